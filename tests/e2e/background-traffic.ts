// Requests that go on while something else happens, and what became of each.
import type { TestContext } from 'node:test'
import type { CheckContext } from '../../examples/bookstore/check.ts'
import { pause } from './mesh-under-test.ts'

export interface TrafficResult {
  readonly requests: number
  /** Everything that was not a 200, in words. */
  readonly failures: readonly string[]
}

export interface Traffic {
  stop(): Promise<TrafficResult>
}

const lanes = 4
const pauseMs = 10

/** Asks for `path` over and over, in four lanes, until stopped, at the latest when the test `t` ends. */
export function startTraffic(t: TestContext, context: CheckContext, path: string): Traffic {
  const failures: string[] = []
  let requests = 0
  let stopped = false
  const lane = async (): Promise<void> => {
    while (!stopped) {
      const number = (requests += 1)
      const seen = await context.request(path, { timeoutMs: 5_000 }).then(
        ({ status, text }) => (status === 200 ? undefined : `${status} ${text.slice(0, 200).trim()}`),
        (error: unknown) => String(error),
      )
      if (seen !== undefined) failures.push(`request ${number}: ${seen}`)
      await pause(pauseMs)
    }
  }
  const running = Promise.all(Array.from({ length: lanes }, lane))
  const stop = async (): Promise<TrafficResult> => {
    stopped = true
    await running
    return { requests, failures }
  }
  t.after(stop)
  return { stop }
}
