// What a process does for its own sake depends on how busy it is: V8 optimises what runs often, which at the start is nothing that will
// serve, and it returns memory when it collects, which a process that has nothing to do never does.
import type { Timers } from '@weft/core'

/** How often the processor time is looked at: whoever begins with a load pays for each look that comes later. */
const lookMs = 250
/** A second with more than this is load; one with less than the other was quiet. Load is seen as soon as so much is used up. */
const looksPerWindow = 4
const busyMs = 25
const quietMs = 10
/** So many quiet seconds in a row come before a collection: nobody is waiting for an answer now, and probably not soon. */
const quietWindows = 3
/** No start takes longer: what is busy after so much processor time is load, even if there was no quiet in between. */
const longestStartMs = 1_000

/** What `LoadWatch` needs of the process. */
export interface OwnProcess {
  readonly timers: Timers
  /** Processor time used so far, milliseconds. */
  usedMs(): number
  /** Called once, when there is load for the first time. */
  onLoad(): void
  /** Collects all garbage and gives its memory back: some tens of milliseconds during which nothing else happens. */
  collect(): void
}

/**
 * Tells when the first load comes, and collects what the start left behind when the process falls quiet before that. After a load nothing is collected:
 * V8 would drop what it has optimised, and the next load would pay twice for each request until it is made again. Both are judged by the
 * processor time of the whole process, so that no request and no byte has to be counted.
 */
export class LoadWatch {
  readonly #process: OwnProcess
  #lastMs: number
  #hasStarted = false
  #hasCollected = false
  #quiet = 0
  #looks = 0

  constructor(process: OwnProcess) {
    this.#process = process
    this.#lastMs = process.usedMs()
    this.#wait()
  }

  #wait(): void {
    this.#process.timers.set(lookMs, () => this.#look(), { keepAlive: false })
  }

  #look(): void {
    const nowMs = this.#process.usedMs()
    const used = nowMs - this.#lastMs
    this.#hasStarted ||= nowMs > longestStartMs
    if (this.#hasStarted && used > busyMs) return this.#process.onLoad()
    if (++this.#looks % looksPerWindow === 0) this.#endWindow(nowMs, used)
    this.#wait()
  }

  #endWindow(nowMs: number, used: number): void {
    this.#lastMs = nowMs
    this.#quiet = used < quietMs ? this.#quiet + 1 : 0
    this.#hasStarted ||= this.#quiet > 0
    if (!this.#hasCollected && this.#quiet >= quietWindows) this.#collect()
  }

  #collect(): void {
    this.#process.collect()
    this.#hasCollected = true
    // What the collection took is nobody's load.
    this.#lastMs = this.#process.usedMs()
  }
}
