// V8 returns memory when it collects, and a proxy that has nothing to do never collects: what its start, or a load that is over,
// left behind would stay for good.
import type { Timers } from '@weft/core'

/** How often the processor time is looked at. */
const windowMs = 1_000
/** A window with more than this has left something behind; one with less was quiet. */
const busyMs = 50
const quietMs = 10
/** So many quiet windows in a row come before a collection: nobody is waiting for an answer now, and probably not soon. */
const quietWindows = 3
/** A proxy that is asked now and then collects once in so many windows. */
const windowsBetween = 60

/** What `MemoryReturn` needs of the process. */
export interface OwnProcess {
  readonly timers: Timers
  /** Processor time used so far, milliseconds. */
  usedMs(): number
  /** Collects all garbage and gives its memory back: some tens of milliseconds during which nothing else happens. */
  collect(): void
}

/**
 * Collects garbage when the process falls quiet after it was busy, its start included. Quiet is judged by the processor time of the whole
 * process, so that no request and no byte has to be counted.
 */
export class MemoryReturn {
  readonly #process: OwnProcess
  #lastMs: number
  #left = true
  #quiet = 0
  #since = windowsBetween

  constructor(process: OwnProcess) {
    this.#process = process
    this.#lastMs = process.usedMs()
    this.#wait()
  }

  #wait(): void {
    this.#process.timers.set(windowMs, () => this.#look(), { keepAlive: false })
  }

  #look(): void {
    const nowMs = this.#process.usedMs()
    const used = nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#since += 1
    if (used > busyMs) this.#left = true
    this.#quiet = used < quietMs ? this.#quiet + 1 : 0
    if (this.#left && this.#quiet >= quietWindows && this.#since > windowsBetween) this.#collect()
    this.#wait()
  }

  #collect(): void {
    this.#process.collect()
    this.#left = false
    this.#since = 0
    // What the collection took is nobody's load.
    this.#lastMs = this.#process.usedMs()
  }
}
