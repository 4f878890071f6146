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

export { until } from '@weft/testkit/until'
