import { defaultWindowBytes } from './frame.ts'

/**
 * What a peer may send on one stream before somebody took it. The window starts small, and grows while its reader keeps up: a slow
 * one holds no more than the window, a fast one is not held up by the way to and fro.
 */
export class StreamCredit {
  /** What the peer may still send. */
  left: number
  #window: number
  readonly #smallest: number
  readonly #largest: number
  #due = 0
  #slow = false

  constructor(window: number, largest: number) {
    this.left = window
    this.#window = window
    this.#smallest = window
    this.#largest = Math.max(window, largest)
  }

  /** Bytes were taken by the reader. */
  taken(bytes: number): void {
    this.#due += bytes
  }

  /** The reader stopped: it is slower than its peer. */
  slow(): void {
    this.#slow = true
  }

  /** How many bytes to allow anew; 0: none yet. */
  allow(): number {
    if (this.#due * 2 < this.#window) return 0
    let more = this.#due
    if (this.#slow) {
      // Back to the small window: what was allowed beyond it is taken back by allowing less.
      const back = Math.min(more, this.#window - this.#smallest)
      this.#window -= back
      more -= back
    } else {
      const wider = Math.min(this.#largest, this.#window * 2)
      more += wider - this.#window
      this.#window = wider
    }
    this.#due = 0
    this.#slow = false
    this.left += more
    return more
  }
}

/**
 * What a peer may send on all streams together. Bytes are allowed anew as they arrive, so that streams nobody reads do not hold up
 * those that are read; only when they hold more than `held` together, what they hold is not.
 */
export class ConnectionCredit {
  left: number = defaultWindowBytes
  readonly #window: number
  readonly #mayHold: number
  #due = 0
  /** Bytes that slow readers have not taken. */
  #held = 0

  constructor(window: number, mayHold: number) {
    this.#window = Math.max(defaultWindowBytes, window)
    this.#mayHold = mayHold
  }

  /** What to allow at the start, beyond the window every connection has. */
  open(): number {
    const more = this.#window - defaultWindowBytes
    this.left += more
    return more
  }

  /** Bytes arrived. */
  arrived(bytes: number): void {
    this.left -= bytes
    this.#due += bytes
  }

  hold(bytes: number): void {
    this.#held += bytes
  }

  release(bytes: number): void {
    this.#held -= bytes
  }

  /** How many bytes to allow anew; 0: none yet. */
  allow(): number {
    const more = this.#due - Math.max(0, this.#held - this.#mayHold)
    if (more * 2 < this.#window) return 0
    this.#due -= more
    this.left += more
    return more
  }
}
