// How many requests began lately, in tenths of an interval: what a retry budget over time is a share of.

const slots = 10

/** Counts requests; time and interval come in with each call. What is older than the interval, give or take a tenth, is forgotten. */
export class RecentRequests {
  readonly #counts = new Float64Array(slots)
  #slot = 0
  #slotMs = 0
  #total = 0

  add(nowMs: number, intervalMs: number): void {
    this.#turn(nowMs, intervalMs)
    const at = this.#slot % slots
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#total += 1
  }

  count(nowMs: number, intervalMs: number): number {
    this.#turn(nowMs, intervalMs)
    return this.#total
  }

  #turn(nowMs: number, intervalMs: number): void {
    const slotMs = intervalMs / slots
    const slot = Math.floor(nowMs / slotMs)
    if (slotMs !== this.#slotMs) {
      this.#counts.fill(0)
      this.#total = 0
      this.#slotMs = slotMs
      this.#slot = slot
      return
    }
    const first = Math.max(this.#slot + 1, slot - slots + 1)
    for (let next = first; next <= slot; next++) {
      this.#total -= this.#counts[next % slots] ?? 0
      this.#counts[next % slots] = 0
    }
    this.#slot = Math.max(this.#slot, slot)
  }
}
