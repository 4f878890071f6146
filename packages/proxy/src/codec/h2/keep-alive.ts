import { Deadline, type DeadlineLists, type DeadlineOwner } from '../../exchange/deadline-lists.ts'

/** What keeping alive needs of its connection. */
export interface KeptAlive {
  /** Sends a PING. */
  askAlive(): void
  /** The peer does not answer. */
  onSilence(): void
}

/** Finds out about a peer that vanished without a word: whatever it sends proves that it is there, and when it sends nothing it is asked. */
export class KeepAlive implements DeadlineOwner {
  readonly #connection: KeptAlive
  readonly #deadlines: DeadlineLists
  readonly #deadline = new Deadline(this)
  readonly #intervalMs: number
  readonly #timeoutMs: number
  #heard = false
  #asked = false

  constructor(connection: KeptAlive, deadlines: DeadlineLists, intervalMs: number, timeoutMs: number) {
    this.#connection = connection
    this.#deadlines = deadlines
    this.#intervalMs = intervalMs
    this.#timeoutMs = timeoutMs
  }

  start(): void {
    this.#deadlines.arm(this.#deadline, this.#intervalMs)
  }

  stop(): void {
    this.#deadlines.disarm(this.#deadline)
  }

  /** Something was read. */
  heard(): void {
    this.#heard = true
  }

  onDeadline(): void {
    if (this.#heard) {
      this.#heard = false
      this.#asked = false
      this.start()
    } else if (this.#asked) this.#connection.onSilence()
    else {
      this.#asked = true
      this.#connection.askAlive()
      this.#deadlines.arm(this.#deadline, this.#timeoutMs)
    }
  }
}
