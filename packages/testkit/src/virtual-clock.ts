import type { Clock, Timer, Timers } from '@weft/core'

/** Wall time at virtual time 0: 2026-01-01T00:00:00Z. */
const simEpochMs = 1_767_225_600_000

interface Armed {
  readonly atMs: number
  readonly order: number
  readonly onFire: () => void
  cancelled: boolean
}

/**
 * Virtual time: nothing happens by itself, `advance` moves it. Timers due at the same time fire in the order they were
 * set; between two of them every pending promise job runs, so one schedule has exactly one outcome.
 */
export class VirtualClock implements Clock, Timers {
  #nowMs = 0
  #order = 0
  readonly #heap: Armed[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return simEpochMs + this.#nowMs
  }

  set(delayMs: number, onFire: () => void): Timer {
    const armed: Armed = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, onFire, cancelled: false }
    this.#push(armed)
    return {
      cancel: () => {
        armed.cancelled = true
      },
    }
  }

  /** Runs everything due within the next `ms` milliseconds of virtual time, then stands exactly `ms` later. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await promiseJobs()
    for (let next = this.#due(untilMs); next !== undefined; next = this.#due(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.onFire()
      await promiseJobs()
    }
    this.#nowMs = untilMs
  }

  /**
   * Advances timer by timer until `condition` holds; false when it does not within `limitMs` of virtual time.
   */
  async advanceUntil(condition: () => boolean, limitMs = 60_000): Promise<boolean> {
    const untilMs = this.#nowMs + limitMs
    await promiseJobs()
    while (!condition()) {
      const next = this.#due(untilMs)
      if (next === undefined) {
        this.#nowMs = untilMs
        return condition()
      }
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.onFire()
      await promiseJobs()
    }
    return true
  }

  #due(untilMs: number): Armed | undefined {
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined || top.atMs > untilMs) return undefined
      this.#pop()
      if (!top.cancelled) return top
    }
  }

  #push(armed: Armed): void {
    const heap = this.#heap
    let at = heap.push(armed) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(armed, heap[parent] as Armed)) break
      heap[at] = heap[parent] as Armed
      at = parent
    }
    heap[at] = armed
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Armed
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Armed, heap[child] as Armed)) child++
      if (!before(heap[child] as Armed, last)) break
      heap[at] = heap[child] as Armed
      at = child
    }
    heap[at] = last
  }
}

function before(a: Armed, b: Armed): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** Lets every promise job that is pending now, and those they cause, run to the end. */
function promiseJobs(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
