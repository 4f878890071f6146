// What a change costs in the control plane, by size of the mesh: one child process per size.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { median, percentile } from '../statistics.ts'
import type { ConfigCost } from './config-cost.ts'
import type { ChangeTime, MeshCost } from './one-mesh.ts'

const small = '100x10,1000x10,10000x10,1000x200'

/** Measures each size of `BENCH_CONTROL` (`services x proxies`, comma-separated) and prints a line for it. */
export function measureControl(): MeshCost[] {
  const sizes = (process.env['BENCH_CONTROL'] ?? small).split(',').map((size) => size.trim().split('x').map(Number))
  const changes = process.env['BENCH_CHANGES'] ?? '20'
  console.log(
    'control plane: ms until pushed / until every simulated proxy acknowledged (median, p95 of pushed), RSS in MB',
  )
  return sizes.map(([services = 0, proxies = 0]) => {
    const output = execFileSync(
      process.execPath,
      [
        '--expose-gc',
        '--max-old-space-size=8192',
        join(import.meta.dirname, 'one-mesh.ts'),
        String(services),
        String(proxies),
        changes,
      ],
      { encoding: 'utf8', maxBuffer: 64 * 2 ** 20, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const cost = JSON.parse(output) as MeshCost
    const { rssMb } = cost
    console.log(
      [
        `${services} services x ${proxies} proxies: first build ${cost.firstBuildMs.toFixed(0)} ms, all connected ${cost.connectMs.toFixed(0)} ms`,
        `  one rule      ${timesOf(cost.rule)}`,
        `  one endpoint  ${timesOf(cost.endpoint)}`,
        `  one proxy     ${timesOf(cost.proxy)}`,
        `  RSS           inputs ${rssMb.inputs}, built ${rssMb.built}, connected ${rssMb.connected}, end ${rssMb.end}`,
      ].join('\n'),
    )
    return cost
  })
}

/** Measures what `BENCH_OBJECTS` (10,000) objects cost from text to findings, and an edit of one of them. */
export function measureConfig(): ConfigCost {
  const objects = process.env['BENCH_OBJECTS'] ?? '10000'
  const edits = process.env['BENCH_CHANGES'] ?? '20'
  const output = execFileSync(process.execPath, [join(import.meta.dirname, 'config-cost.ts'), objects, edits], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const cost = JSON.parse(output) as ConfigCost
  const editMs = median(cost.editMs)
  const shown = (times: readonly number[]): string =>
    `${median(times).toFixed(0)} ms (p95 ${percentile(times, 0.95).toFixed(0)})`
  console.log(
    [
      `${cost.objects} objects (${cost.megabytes.toFixed(1)} MB) parsed, validated, analysed: ${cost.firstMs.toFixed(0)} ms (${cost.firstCpuMs.toFixed(0)} ms of processor time); at most ${cost.peakRssMb} MB resident`,
      `  bounds (at 10,000): 5,000 ms ${verdict(cost.firstMs <= 5000)}, 400 MB ${verdict(cost.peakRssMb <= 400)}, an edit in 100 ms ${verdict(editMs <= 100)}`,
      `  one edited, in a file of its own   ${shown(cost.editMs)}, ${cost.editCpuMs.toFixed(0)} ms of processor time`,
      `  one edited, all in one file        ${shown(cost.editInOneFileMs)}`,
      `  per edit: ${cost.validatedPerEdit} validated, ${cost.analysedPerEdit} analysed`,
    ].join('\n'),
  )
  return cost
}

function verdict(holds: boolean): string {
  return holds ? 'holds' : 'does NOT hold'
}

function timesOf(times: readonly ChangeTime[]): string {
  const pushed = times.map(({ pushedMs }) => pushedMs)
  const settled = times.map(({ settledMs }) => settledMs)
  const bytes = (pick: (time: ChangeTime) => number): string => `${(median(times.map(pick)) / 1000).toFixed(1)} kB`
  const count = (pick: (time: ChangeTime) => number): string => `${median(times.map(pick))}`
  const counts = `${count((time) => time.objects)} objects, ${count((time) => time.views)} views, ${count((time) => time.encoded)} encoded, ${count((time) => time.compared)} names compared`
  return [
    `${median(pushed).toFixed(1)} ms (p95 ${percentile(pushed, 0.95).toFixed(1)}) / ${median(settled).toFixed(1)} ms`,
    `${bytes((time) => time.encodedBytes)} encoded, ${bytes((time) => time.pushedBytes)} pushed`,
    counts,
  ].join(', ')
}
