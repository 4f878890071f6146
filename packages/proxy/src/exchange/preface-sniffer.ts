import { Buffer } from 'node:buffer'
import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import { clientPreface } from '../codec/h2/frame.ts'
import { Deadline, type DeadlineLists, type DeadlineOwner } from './deadline-lists.ts'

/** Told what a client speaks. */
export interface SniffedBy {
  /** Milliseconds the client may take to begin; 0: for ever. */
  idleMs(): number
  onProtocol(http2: boolean, head: Buffer): void
  onClosed(close: TransportClose): void
}

/** Tells HTTP/2 by prior knowledge from HTTP/1.1: by the first bytes, of which no HTTP/1.1 request has as many in common. */
export class PrefaceSniffer implements TransportHandler, DeadlineOwner {
  readonly #transport: Transport
  readonly #by: SniffedBy
  readonly #deadlines: DeadlineLists
  readonly #deadline = new Deadline(this)
  #head: Buffer | undefined = undefined

  constructor(transport: Transport, by: SniffedBy, deadlines: DeadlineLists) {
    this.#transport = transport
    this.#by = by
    this.#deadlines = deadlines
  }

  /** Begins; `head` holds bytes already read. */
  start(head: Buffer | undefined): void {
    this.#transport.handler = this
    if (head !== undefined && head.length > 0 && this.#judge(head)) return
    this.#deadlines.arm(this.#deadline, this.#by.idleMs())
    this.#transport.resume()
  }

  onData(chunk: Buffer): void {
    const head = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk])
    if (!this.#judge(head) && head === chunk) this.#head = Buffer.from(chunk)
  }

  onEnd(): void {
    this.#transport.destroy()
  }

  onDrain(): void {}

  onClose(close: TransportClose): void {
    this.#deadlines.disarm(this.#deadline)
    this.#by.onClosed(close)
  }

  onDeadline(): void {
    this.#transport.destroy()
  }

  /** True once it is known. */
  #judge(head: Buffer): boolean {
    const seen = head.latin1Slice(0, Math.min(head.length, clientPreface.length))
    const maybe = clientPreface.startsWith(seen)
    this.#head = head
    if (maybe && seen.length < clientPreface.length) return false
    this.#deadlines.disarm(this.#deadline)
    this.#by.onProtocol(maybe, head)
    return true
  }
}
