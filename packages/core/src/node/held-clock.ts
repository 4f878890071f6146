// Read once: the global is a getter.
const { performance } = globalThis
let held = false
let heldMs = -1

/**
 * `performance.now`. While the clock is held it is read once, when first asked: what happens within one read of a socket, or within one
 * turn of the event loop, happens at one time.
 */
export function monotonicMs(): number {
  if (!held) return performance.now()
  if (heldMs < 0) heldMs = performance.now()
  return heldMs
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
