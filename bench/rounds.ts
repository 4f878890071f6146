// Interleaved rounds: every arm is measured once per round, in turn, so that the machine's moods hit all of them alike.
import type { Arm } from './arm.ts'
import { cpuNs, stealSample } from './cpu.ts'
import { runLoad } from './load.ts'

/** One arm in one round. */
export interface Sample {
  readonly arm: string
  readonly round: number
  /** CPU of the arm's own processes per request, microseconds. */
  readonly cpuUsPerRequest: number
  readonly requestsPerSecond: number
  readonly errors: number
  /** Share of CPU time that the host took away meanwhile. */
  readonly stealShare: number
}

/** What a run consists of. */
export interface Plan {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  onSample(sample: Sample): void
}

async function measure(arm: Arm, round: number, plan: Plan): Promise<Sample> {
  const stealBefore = stealSample()
  const before = cpuNs(arm.pids)
  const load = await runLoad(arm.url, plan.seconds, plan.connections)
  const used = cpuNs(arm.pids) - before
  const stealAfter = stealSample()
  return {
    arm: arm.name,
    round,
    cpuUsPerRequest: used / 1_000 / load.requests,
    requestsPerSecond: load.requests / load.seconds,
    errors: load.errors,
    stealShare: (stealAfter.steal - stealBefore.steal) / Math.max(1, stealAfter.total - stealBefore.total),
  }
}

/** Warms every arm, then measures all of them in every round; the order turns by one each round. */
export async function runRounds(arms: readonly Arm[], plan: Plan): Promise<Sample[]> {
  for (const arm of arms) await runLoad(arm.url, 3, plan.connections)
  const samples: Sample[] = []
  for (let round = 0; round < plan.rounds; round += 1) {
    for (let place = 0; place < arms.length; place += 1) {
      const sample = await measure(arms[(place + round) % arms.length] as Arm, round, plan)
      samples.push(sample)
      plan.onSample(sample)
    }
  }
  return samples
}
