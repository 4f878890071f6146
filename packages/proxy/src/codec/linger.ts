import type { Transport } from '@weft/core'
import { Deadline, type DeadlineLists, type DeadlineOwner } from '../exchange/deadline-lists.ts'

/**
 * The end of a connection: our FIN goes behind what was written, and the client is waited for, so that a reset does not destroy
 * our last bytes on their way. As in Envoy, one that takes none of them for `ms` is cut off, and one that does is given its time anew.
 */
export class Linger implements DeadlineOwner {
  readonly #transport: Transport
  readonly #deadlines: DeadlineLists
  readonly #deadline = new Deadline(this)
  readonly #ms: number
  /** Bytes that the client had yet to take when it was looked at last. */
  #unread: number

  constructor(transport: Transport, deadlines: DeadlineLists, ms: number) {
    this.#transport = transport
    this.#deadlines = deadlines
    this.#ms = Math.max(1, ms)
    this.#unread = transport.queuedBytes
    deadlines.arm(this.#deadline, this.#ms)
    transport.end()
  }

  /** The connection is closed. */
  over(): void {
    this.#deadlines.disarm(this.#deadline)
  }

  onDeadline(): void {
    const { queuedBytes } = this.#transport
    if (queuedBytes >= this.#unread) return this.#transport.destroy()
    this.#unread = queuedBytes
    this.#deadlines.arm(this.#deadline, this.#ms)
  }
}
