import { randomFillSync } from 'node:crypto'
import type { Clock, Rng, Timer, Timers } from '../runtime.ts'
import { monotonicMs } from './held-clock.ts'
import { loopTurn } from './turn.ts'

/** The machine's clocks: `performance.now`, which may be held, and `Date.now`. */
export const systemClock: Clock = {
  nowMs: monotonicMs,
  wallMs: () => Date.now(),
}

/** `setTimeout` as a `Timers`. Delays beyond what `setTimeout` can hold (24.8 days) are cut to that. */
export const systemTimers: Timers = {
  set(delayMs, onFire, options): Timer {
    const handle = setTimeout(onFire, Math.min(Math.max(0, delayMs), 0x7fffffff))
    if (options?.keepAlive === false) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
  soon(onFire) {
    loopTurn.soon(onFire)
  },
}

/** V8's generator for decisions, OpenSSL's for bytes. */
export const systemRng: Rng = {
  float: () => Math.random(),
  fill: (target) => {
    randomFillSync(target)
  },
}
