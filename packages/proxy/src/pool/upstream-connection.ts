import type { Transport, TransportClose, TransportHandler } from '@weft/core'
import type { Deadline, DeadlineOwner } from '../exchange/deadline-lists.ts'
import type { Endpoint } from '@weft/engine'
import type { LeafFacts } from '../config/secret-source.ts'
import type { Dialed } from './dial.ts'
import { H1ClientConnection } from '../codec/h1/client-connection.ts'

/** The pool a connection goes back to. */
export interface ConnectionOwner {
  released(connection: UpstreamConnection): void
  gone(connection: UpstreamConnection): void
}

/**
 * One HTTP/1.1 connection to an endpoint. While it is lent out the borrower's handler sits on the transport; the borrower
 * calls exactly one of `release` and `discard`.
 */
export class UpstreamConnection implements TransportHandler, DeadlineOwner {
  readonly transport: Transport
  readonly endpoint: Endpoint
  /** Our certificate in the handshake; undefined on plaintext. */
  readonly own: LeafFacts | undefined
  /** Not to be lent out again from then on, on the monotonic clock: see `Dialed.retireMs`. */
  readonly retireMs: number
  /** Requests begun on it, the present one included. More than one: it was reused, and may be stale. */
  requests = 0
  /** When it became idle, on the monotonic clock. */
  idleSinceMs = 0
  /** Not to be lent out again: its certificate, endpoint or cluster is on the way out. */
  draining = false
  /** Where the next idle one lies in the pool's stack is the pool's business; this tells only whether it is lent out. */
  lent = false
  /** Milliseconds the server keeps it when idle, as its `keep-alive: timeout` said; 0: it said nothing. */
  announcedIdleMs = 0
  /** Whether trailers pass, in both directions. */
  readonly keepsTrailers: boolean
  /** It keeps its buffers from one exchange to the next. */
  readonly codec: H1ClientConnection
  /** Of `max_connection_duration`; only where there is one. */
  lifetime: Deadline | undefined = undefined
  readonly #owner: ConnectionOwner
  #over = false

  constructor(
    owner: ConnectionOwner,
    made: {
      readonly dialed: Dialed
      readonly endpoint: Endpoint
      readonly keepsTrailers: boolean
    },
  ) {
    this.#owner = owner
    const { transport, own, retireMs } = made.dialed
    this.transport = transport
    this.endpoint = made.endpoint
    this.own = own
    this.retireMs = retireMs
    this.keepsTrailers = made.keepsTrailers
    this.transport.handler = this
    this.codec = new H1ClientConnection(this)
  }

  /** Gives it back after a complete exchange whose framing allows another. */
  release(): void {
    if (this.#over || !this.lent) return
    this.lent = false
    this.transport.handler = this
    this.#owner.released(this)
  }

  /** Ends it: the exchange broke off, or the upstream said it will close. */
  discard(): void {
    if (this.#over) return
    this.#over = true
    this.lent = false
    this.transport.handler = this
    this.transport.destroy()
    this.#owner.gone(this)
  }

  /** It has lived long enough: what it carries is the last. */
  onDeadline(): void {
    this.draining = true
    if (!this.lent) this.discard()
  }

  // While idle: whatever the upstream does now ends the connection. Bytes without a request are a protocol error.
  onData(_chunk: Buffer): void {
    this.discard()
  }

  onEnd(): void {
    this.discard()
  }

  onDrain(): void {}

  onClose(_close: TransportClose): void {
    if (this.#over) return
    this.#over = true
    this.#owner.gone(this)
  }
}
