import type { Clock } from '@weft/core'
import type { FloodLimits } from './h2-options.ts'

/** A bucket that loses a token with each event and fills up with time. */
class Allowance {
  readonly #most: number
  readonly #perMs: number
  #left: number
  #sinceMs = 0

  constructor(most: number, perSecond: number) {
    this.#most = most
    this.#perMs = perSecond / 1000
    this.#left = most
  }

  /** False: too many. */
  take(nowMs: number): boolean {
    this.give((nowMs - this.#sinceMs) * this.#perMs)
    this.#sinceMs = nowMs
    return --this.#left >= 0
  }

  give(tokens: number): void {
    this.#left = Math.min(this.#most, this.#left + tokens)
  }
}

/** Counts what a peer makes us do for nothing. Each method answers false, or of what there was too much. */
export class FloodGuard {
  readonly #limits: FloodLimits
  readonly #clock: Clock
  readonly #resets: Allowance
  readonly #control: Allowance
  #streams = 0
  #empty = 0
  #priorities = 0
  #windowUpdates = 0
  /** DATA frames sent so far. */
  dataFrames = 0
  #nowMs: number | undefined = undefined

  constructor(limits: FloodLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#resets = new Allowance(limits.resets, limits.resetsPerSecond)
    this.#control = new Allowance(limits.control, limits.controlPerSecond)
  }

  /** A read begins: within it no time passes. */
  onRead(): void {
    this.#nowMs = undefined
  }

  /** When the present read began, on the monotonic clock. */
  get nowMs(): number {
    return (this.#nowMs ??= this.#clock.nowMs())
  }

  /** The peer opened a stream. */
  onStream(): void {
    this.#streams++
    this.#control.give(1)
  }

  /** HEADERS, CONTINUATION or DATA came. */
  onPayload(bytes: number, endsStream: boolean): string | false {
    if (bytes > 0 || endsStream) {
      this.#empty = 0
      this.#control.give(1)
      return false
    }
    return ++this.#empty > this.#limits.emptyInRow && 'empty frames'
  }

  /** A stream of the peer was answered: it forgives one that was reset. */
  onAnswer(): void {
    this.#resets.give(1)
  }

  /** The peer reset a stream for which we have worked in vain, or made us reset one. */
  onReset(): string | false {
    return !this.#resets.take(this.nowMs) && 'resets'
  }

  /** SETTINGS or PING came. */
  onControl(): string | false {
    return !this.#control.take(this.nowMs) && 'SETTINGS and PING frames'
  }

  onPriority(): string | false {
    return ++this.#priorities > this.#limits.priorityPerStream * (1 + this.#streams) && 'PRIORITY frames'
  }

  onWindowUpdate(): string | false {
    const most = 5 + 2 * this.#streams + this.#limits.windowUpdatesPerData * this.dataFrames
    return ++this.#windowUpdates > most && 'WINDOW_UPDATE frames'
  }

  /** The peer continues a head for the `count`-th time; its limit is `maxBytes`. */
  onContinuation(count: number, maxBytes: number): string | false {
    return count > this.#limits.continuations + maxBytes / 16_384 && 'CONTINUATION frames'
  }

  /** So many frames are owed to a peer that does not read, beside so many heads of answers. */
  onQueued(owed: number, heads: number): string | false {
    const { queuedControl, queuedFrames } = this.#limits
    return (owed > queuedControl || owed + heads > queuedFrames) && 'unread answers'
  }
}
