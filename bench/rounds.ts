// Interleaved rounds: every arm is measured once per round, in turn, so that the machine's moods hit all of them alike.
import type { Arm } from './arm.ts'
import { cpuNs, stealSample } from './cpu.ts'
import { acceptedBy, runLoad } from './load.ts'

/** One arm in one round. */
export interface Sample {
  readonly arm: string
  readonly round: number
  /** CPU of the arm's own processes per request, microseconds. */
  readonly cpuUsPerRequest: number
  readonly requestsPerSecond: number
  readonly errors: number
  /** Connections the arm made to its backend meanwhile: with upstream keep-alive, none once it is warm. */
  readonly upstreamConnects: number
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
  const acceptedBefore = await acceptedBy(arm.backendUrl)
  const before = cpuNs(arm.pids)
  const load = await runLoad(arm.url, plan.seconds, plan.connections)
  const used = cpuNs(arm.pids) - before
  const stealAfter = stealSample()
  // The question before was a connection itself, counted by now.
  const upstreamConnects = (await acceptedBy(arm.backendUrl)) - acceptedBefore - 1
  return {
    arm: arm.name,
    round,
    cpuUsPerRequest: used / 1_000 / load.requests,
    requestsPerSecond: load.requests / load.seconds,
    errors: load.errors,
    upstreamConnects,
    stealShare: (stealAfter.steal - stealBefore.steal) / Math.max(1, stealAfter.total - stealBefore.total),
  }
}

/** A JIT needs some tens of thousands of requests; a busy machine gets them slowly. */
const warmRequests = 40_000
const warmBursts = 6

async function warm(arm: Arm, connections: number): Promise<void> {
  for (let burst = 0, requests = 0; burst < warmBursts && requests < warmRequests; burst += 1) {
    requests += (await runLoad(arm.url, 3, connections)).requests
  }
}

/** Warms every arm, then measures all of them in every round; the order turns by one each round. */
export async function runRounds(arms: readonly Arm[], plan: Plan): Promise<Sample[]> {
  for (const arm of arms) await warm(arm, plan.connections)
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
