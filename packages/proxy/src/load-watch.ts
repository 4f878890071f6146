import { setFlagsFromString } from 'node:v8'
import type { Timers } from '@weft/core'

/** How often it is looked what the process does. */
const lookEveryMs = 250
/** Processor time between two looks beyond which the process works (2 %): some requests, where a quiet one wakes up for timers only. */
const busyCpuMs = 5
/** Load, when this many looks in a row found it at work: a first request in code that has yet to be compiled is over sooner. */
const busyLooks = 3
const quietLooks = 3
/** So many connections between two looks are load without another look. */
const manyConnections = 16

/** The process that is looked at. */
export interface WatchedProcess {
  /** Whether its start is over. */
  isReady(): boolean
  /** Processor time of all its threads so far. */
  cpuMs(): number
  /** Called once, when it is quiet after its start and has not been under load. */
  collect(): void
  /** Called once, when it is under load; nothing is called after it. */
  optimise(): void
}

/**
 * Tells a proxy that has something to do from one that has not. What a start leaves behind would stay for as long as a process is idle, since V8 collects when
 * something is allocated; and what timers call would sooner or later be optimised, for 6 MB of Node's executable that an idle proxy need not touch.
 * See docs/decisions/0055-memory-of-an-idle-proxy.md.
 */
export class LoadWatch {
  readonly #timers: Timers
  readonly #process: WatchedProcess
  #cpuMs: number
  #quiet = 0
  #busy = 0
  #connections = 0
  #hasServed = false
  #wasReady = false
  #collected = false
  #optimised = false

  constructor(timers: Timers, process: WatchedProcess) {
    this.#timers = timers
    this.#process = process
    this.#cpuMs = process.cpuMs()
    this.#arm()
  }

  /** A connection was taken. */
  readonly onConnection = (): void => {
    this.#hasServed = true
    if (++this.#connections >= manyConnections && !this.#optimised) this.#optimise()
  }

  #arm(): void {
    this.#timers.set(lookEveryMs, () => this.#look(), { keepAlive: false })
  }

  #look(): void {
    if (this.#optimised) return
    const cpuMs = this.#process.cpuMs()
    const isBusy = cpuMs - this.#cpuMs > busyCpuMs
    this.#cpuMs = cpuMs
    this.#connections = 0
    // What was done before it was ready was its start.
    if (this.#wasReady) this.#judge(isBusy)
    else this.#wasReady = this.#process.isReady()
    if (!this.#optimised) this.#arm()
  }

  #judge(isBusy: boolean): void {
    this.#busy = isBusy ? this.#busy + 1 : 0
    this.#quiet = isBusy ? 0 : this.#quiet + 1
    // Configuration alone is work, but none that comes again.
    if (this.#busy >= busyLooks && this.#hasServed) return this.#optimise()
    if (this.#quiet < quietLooks || this.#collected) return
    this.#collected = true
    this.#process.collect()
  }

  #optimise(): void {
    this.#optimised = true
    this.#process.optimise()
  }
}

/** Processor time of this process in milliseconds, all threads. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/**
 * Collects all garbage, code that is not running among it (it is compiled again when it is called), and gives the memory back: some 50 ms. Does nothing
 * in a process that was started without `--expose-gc`.
 */
export function collectAll(): void {
  const { gc } = globalThis
  if (gc === undefined) return
  // By its age, code would stay for six collections.
  setFlagsFromString('--stress-flush-code')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  setFlagsFromString('--no-stress-flush-code')
}

/** Lets V8's optimising compiler run in a process that was started with `--no-opt`. */
export function letOptimise(): void {
  setFlagsFromString('--opt')
}
