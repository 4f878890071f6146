// Latency that a plain hop adds at a constant rate, from the intended moment of sending, in interleaved rounds.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Arm, coreOfOthers, coreUnderTest } from './arm.ts'
import { makeIdle } from './idle-group.ts'
import { startGround, startPeer } from './peer-arms.ts'
import { spin } from './spinners.ts'
import { median, pairedRatio } from './statistics.ts'
import { startMesh } from './weft-arm.ts'

const execute = promisify(execFile)
const rate = 3_000
const connections = 32

/** What one arm showed in one round, microseconds. */
export interface LatencySample {
  readonly arm: string
  readonly count: number
  readonly lost: number
  readonly failures: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/**
 * The generator waits busily, so it runs in the idle class: the backend, which shares its core, comes first whenever it has work.
 */
async function sample(arm: string, url: string, seconds: number): Promise<LatencySample> {
  const generator = join(import.meta.dirname, 'open-loop-process.ts')
  const args = [
    '-i',
    '0',
    'taskset',
    '-c',
    String(coreOfOthers),
    process.execPath,
    // Large enough that no garbage is collected while it measures.
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    '--disable-warning=ExperimentalWarning',
  ]
  const run = execute('chrt', [...args, generator, url, String(rate), String(seconds), String(connections)])
  makeIdle(run.child.pid)
  const { stdout } = await run
  return { arm, ...(JSON.parse(stdout) as Omit<LatencySample, 'arm'>) }
}

/** Measures all arms in every round and prints what each adds to a request made to the backend itself. */
export async function measureLatency(rounds: number, seconds: number): Promise<readonly LatencySample[]> {
  const ground = await startGround()
  const arms: Pick<Arm, 'name' | 'url' | 'stop'>[] = []
  // The generator itself keeps the other core awake.
  const stopSpinning = spin([coreUnderTest])
  const samples: LatencySample[] = []
  try {
    arms.push({ name: 'direct', url: `http://${ground.backend}/`, stop: async () => {} })
    arms.push(await startMesh({ name: 'weft', kind: 'plain', proxy: 'weft' }))
    arms.push(await startPeer('nginx', 'plain', ground), await startPeer('haproxy', 'plain', ground))
    for (const { name, url } of arms) await sample(name, url, 3)
    for (let round = 0; round < rounds; round += 1) {
      for (let place = 0; place < arms.length; place += 1) {
        const { name, url } = arms[(place + round) % arms.length] as Arm
        samples.push(await sample(name, url, seconds))
      }
    }
  } finally {
    stopSpinning()
    for (const arm of arms) await arm.stop()
    await ground.stop()
  }
  summarise(samples)
  return samples
}

function summarise(samples: readonly LatencySample[]): void {
  const of = (arm: string, key: 'p50' | 'p99'): number[] =>
    samples.filter((one) => one.arm === arm).map((one) => one[key])
  const added = (arm: string, key: 'p50' | 'p99'): number[] => {
    const direct = of('direct', key)
    return of(arm, key).map((value, index) => Math.max(1, value - (direct[index] as number)))
  }
  console.log(`\nlatency added at ${rate} requests/s, microseconds (medians), and Weft's ratio with 95 % limits`)
  console.log(
    `  direct       p50 ${median(of('direct', 'p50')).toFixed(0)}, p99 ${median(of('direct', 'p99')).toFixed(0)} in all`,
  )
  for (const arm of ['weft', 'nginx', 'haproxy']) {
    const parts = (['p50', 'p99'] as const).map((key) => {
      const ratio = pairedRatio(added('weft', key), added(arm, key))
      return `${key} ${median(added(arm, key)).toFixed(0)}: ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`
    })
    console.log(`  ${arm.padEnd(12)} ${parts.join(', ')}`)
  }
  const unwell = samples.filter(({ lost, failures }) => lost + failures > 0)
  for (const { arm, lost, failures } of unwell) console.log(`  ${arm}: ${lost} lost, ${failures} failures in a round`)
}
