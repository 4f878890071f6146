// What a process does for its own sake depends on how busy it is: V8 optimises what runs often, which at the start is nothing that will
// serve, and it returns memory when it collects, which a process that has nothing to do never does.
import type { Timers } from '@weft/core'

/** How often the processor time is looked at. */
const windowMs = 1_000
/** A window with more than this is load, and leaves something behind; one with less than the other was quiet. */
const busyMs = 50
const quietMs = 10
/** So many quiet windows in a row come before a collection: nobody is waiting for an answer now, and probably not soon. */
const quietWindows = 3
/** A proxy that is asked now and then collects once in so many windows. */
const windowsBetween = 60
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
 * Tells when the first load comes, and collects garbage when the process falls quiet after it was busy, its start included. Both are judged by
 * the processor time of the whole process, so that no request and no byte has to be counted.
 */
export class LoadWatch {
  readonly #process: OwnProcess
  #lastMs: number
  #hasStarted = false
  #hadLoad = false
  /** Something was left behind since the last collection. */
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
    this.#quiet = used < quietMs ? this.#quiet + 1 : 0
    this.#hasStarted ||= this.#quiet > 0 || nowMs > longestStartMs
    if (used > busyMs) this.#busy()
    if (this.#left && this.#quiet >= quietWindows && this.#since > windowsBetween) this.#collect()
    this.#wait()
  }

  #busy(): void {
    this.#left = true
    if (!this.#hasStarted || this.#hadLoad) return
    this.#hadLoad = true
    this.#process.onLoad()
  }

  #collect(): void {
    this.#process.collect()
    this.#left = false
    this.#since = 0
    // What the collection took is nobody's load.
    this.#lastMs = this.#process.usedMs()
  }
}
