// The clock, timers and log of tests that run in real time.
import type { Logger, Runtime } from '@weft/core'
import { nodeNet } from '../../packages/core/src/node/node-net.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** Real clock, timers and sockets, a quiet log. */
export const testRuntime: Pick<Runtime, 'clock' | 'timers' | 'rng' | 'log' | 'net'> = {
  clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
  timers: {
    set(delayMs, onFire, options) {
      const timer = setTimeout(onFire, delayMs)
      if (options?.keepAlive === false) timer.unref()
      return { cancel: () => clearTimeout(timer) }
    },
  },
  rng: { float: Math.random, fill: (target) => void crypto.getRandomValues(target) },
  log: quiet,
  net: nodeNet,
}

/** Waits until the condition holds; fails after ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
