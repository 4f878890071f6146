import { randomFillSync } from 'node:crypto'
import type { Clock, Rng, Timer, Timers } from '../runtime.ts'

// Read once: the global is a getter. The module `perf_hooks` would bring what nobody here needs.
const { performance } = globalThis
let held = false
let heldMs = -1

/**
 * The machine's clocks: `performance.now` and `Date.now`. While the monotonic clock is held it is read once, when first asked: what
 * happens within one read of a socket happens at one time.
 */
export const systemClock: Clock = {
  nowMs() {
    if (!held) return performance.now()
    if (heldMs < 0) heldMs = performance.now()
    return heldMs
  },
  wallMs: () => Date.now(),
}

/** Holds the monotonic clock until `releaseClock`; both within one callback. */
export function holdClock(): void {
  held = true
  heldMs = -1
}

/** Lets the monotonic clock go on. */
export function releaseClock(): void {
  held = false
}

/** `setTimeout` as a `Timers`. Delays beyond what `setTimeout` can hold (24.8 days) are cut to that. */
export const systemTimers: Timers = {
  set(delayMs, onFire, options): Timer {
    const handle = setTimeout(onFire, Math.min(Math.max(0, delayMs), 0x7fffffff))
    if (options?.keepAlive === false) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
  soon(onFire) {
    setImmediate(onFire)
  },
}

/** V8's generator for decisions, OpenSSL's for bytes. */
export const systemRng: Rng = {
  float: () => Math.random(),
  fill: (target) => {
    randomFillSync(target)
  },
}
