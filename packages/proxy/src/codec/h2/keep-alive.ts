import type { Clock } from '@weft/core'
import { Deadline, type DeadlineLists, type DeadlineOwner } from '../../exchange/deadline-lists.ts'

/** What keeping alive needs of its connection. */
export interface KeptAlive {
  /** Sends a PING. */
  askAlive(): void
  /** The peer does not answer. */
  onSilence(): void
}

/** What may be said about it, milliseconds. */
export interface KeepAliveTimes {
  /** After so long without a word the peer is asked; 0: never. */
  readonly pingIntervalMs: number
  /** After so long without a word it is asked before something new is begun; 0: never. */
  readonly pingIdleMs: number
  /** Without an answer for so long it is gone. */
  readonly pingTimeoutMs: number
}

/** Finds out about a peer that vanished without a word: whatever it sends proves that it is there, and when it sends nothing it is asked. */
export class KeepAlive implements DeadlineOwner {
  readonly #connection: KeptAlive
  readonly #deadlines: DeadlineLists
  readonly #deadline = new Deadline(this)
  readonly #times: KeepAliveTimes
  readonly #clock: Clock
  /** Looked at only where it is needed. */
  #heardMs = 0
  #heard = false
  #asked = false

  constructor(connection: KeptAlive, deadlines: DeadlineLists, clock: Clock, times: KeepAliveTimes) {
    this.#connection = connection
    this.#deadlines = deadlines
    this.#clock = clock
    this.#times = times
  }

  start(): void {
    this.#noteTime()
    this.#deadlines.arm(this.#deadline, this.#times.pingIntervalMs)
  }

  stop(): void {
    this.#deadlines.disarm(this.#deadline)
  }

  /** Something was read. */
  heard(): void {
    this.#heard = true
    if (this.#times.pingIdleMs > 0) this.#noteTime()
  }

  /** Something new is about to begin. */
  beginning(): void {
    const { pingIdleMs } = this.#times
    if (pingIdleMs > 0 && !this.#asked && this.#clock.nowMs() - this.#heardMs >= pingIdleMs) this.#ask()
  }

  #noteTime(): void {
    this.#heardMs = this.#clock.nowMs()
  }

  #ask(): void {
    this.#asked = true
    this.#heard = false
    this.#connection.askAlive()
    this.#deadlines.arm(this.#deadline, this.#times.pingTimeoutMs)
  }

  onDeadline(): void {
    if (this.#heard) {
      this.#heard = false
      this.#asked = false
      this.#deadlines.arm(this.#deadline, this.#times.pingIntervalMs)
    } else if (this.#asked) this.#connection.onSilence()
    else this.#ask()
  }
}
