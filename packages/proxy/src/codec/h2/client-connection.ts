import type { Buffer } from 'node:buffer'
import type { Transport, TransportClose } from '@weft/core'
import type { BodyExtent, OutgoingRequest } from '../http-stream.ts'
import type { HeadLimits } from '../message-head.ts'
import { H2ClientStream } from './client-stream.ts'
import { H2Connection, type H2Shared, type HeadBlock } from './connection.ts'
import { clientPreface, ErrorCode, errorName, largestWindowBytes } from './frame.ts'
import type { H2Options } from './h2-options.ts'
import { writeRequest } from './head-writer.ts'
import { Setting } from './peer-settings.ts'
import type { StreamFailure } from './stream.ts'

/** Whose connection it is. */
export interface H2ClientOwner {
  /** Milliseconds a connection without streams is kept; 0: for ever. */
  idleMs(): number
  /** A stream ended, or the server takes more of them: `room` may have grown. */
  onRoom(): void
  /** No further streams: the server said so, ids ran out, or `drain` was called. */
  onDraining(): void
  /** The connection is gone; exactly once, last. */
  onClosed(close: TransportClose): void
}

/** Answers may have larger heads than what we take from strangers; Envoy's default is 60 kB. */
const responseLimits: HeadLimits = { maxBytes: 60 * 1024, maxHeaders: 200 }
/** For the server's first frame, and for one that has begun. */
const frameMs = 60_000
/** 1xx heads before the answer: a server that sends more keeps an exchange going without ever answering. */
const maxInformational = 100

/** The client side of one HTTP/2 connection. */
export class H2ClientConnection extends H2Connection {
  readonly #owner: H2ClientOwner
  #nextId = 1
  /** Streams handed out that have not begun. */
  #reserved = 0
  #draining = false

  constructor(transport: Transport, owner: H2ClientOwner, shared: H2Shared, options: H2Options) {
    super(transport, shared, options)
    this.#owner = owner
  }

  /** Sends preface and settings; requests need not wait for the server's. */
  start(): void {
    const { output } = this
    output.reserve(clientPreface.length)
    output.length += output.bytes.write(clientPreface, output.length, 'latin1')
    this.deadlines.arm(this.idleDeadline, this.#owner.idleMs())
    this.begin(undefined)
  }

  /** Streams that are open or handed out. */
  get active(): number {
    return this.streams.size + this.#reserved
  }

  /** True when it takes no further streams. */
  get draining(): boolean {
    return this.#draining || this.over
  }

  /** How many further streams it takes now. */
  get room(): number {
    if (this.draining) return 0
    const { maxConcurrentStreams } = this.peerSettings
    return Math.max(0, Math.min(maxConcurrentStreams, this.options.maxConcurrentStreams) - this.active)
  }

  /** Hands out a stream for one request; only while there is `room`. */
  open(): H2ClientStream {
    this.#reserved++
    this.deadlines.disarm(this.idleDeadline)
    return new H2ClientStream(this, this.#nextId > 1)
  }

  /** Takes no further streams, and closes when those there are have ended. */
  drain(): void {
    if (this.draining) return
    this.#drain()
  }

  #drain(): void {
    this.#draining = true
    this.#owner.onDraining()
    this.#closeWhenEmpty()
  }

  #closeWhenEmpty(): void {
    if (this.#draining && this.active === 0 && !this.over) this.fail(ErrorCode.NO_ERROR, '')
  }

  /** Why a request cannot be sent on this connection; undefined when it can. */
  refusal(request: OutgoingRequest): { readonly kind: StreamFailure; readonly detail: string } | undefined {
    if (this.over) return { kind: 'closed', detail: 'the connection is closed' }
    // The connection went on its way out between `open` and now: nothing was sent.
    if (this.#draining) return { kind: 'refused', detail: 'the connection takes no further streams' }
    const { known, extendedConnect } = this.peerSettings
    if (request.upgrade !== undefined && known && !extendedConnect) {
      return { kind: 'protocol', detail: 'the upstream does not offer extended CONNECT' }
    }
    return undefined
  }

  /** Opens a stream on the wire. Returns where its frame begins in the output. */
  writeRequest(stream: H2ClientStream, request: OutgoingRequest, ends: boolean): number {
    this.#reserved--
    stream.id = this.#nextId
    this.#nextId += 2
    stream.sendWindow = this.peerSettings.windowBytes
    this.streams.add(stream)
    this.guard.onStream()
    this.keepAlive.beginning()
    const { output, encoder } = this
    const at = writeRequest({ output, encoder, id: stream.id, ends }, request)
    output.dirty()
    if (this.#nextId > largestWindowBytes - 2 && !this.#draining) this.#drain()
    return at
  }

  /** A stream that was handed out will not begin. */
  protected override onUnbegun(): void {
    this.#reserved--
    this.#afterStream()
  }

  protected get isClient(): boolean {
    return true
  }

  headLimits(): HeadLimits {
    return responseLimits
  }

  protected headMs(): number {
    return frameMs
  }

  protected lastPeerId(): number {
    return 0
  }

  protected isUnopened(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextId
  }

  protected settings(): number[] {
    const { options } = this
    return [
      ...[Setting.ENABLE_PUSH, 0],
      ...[Setting.INITIAL_WINDOW_SIZE, options.streamWindowBytes],
      ...[Setting.MAX_HEADER_LIST_SIZE, responseLimits.maxBytes],
      ...[Setting.HEADER_TABLE_SIZE, options.headerTableBytes],
    ]
  }

  onBlock({ id, endStream }: HeadBlock, bytes: Buffer, start: number, end: number): void {
    const stream = this.streams.get(id) as H2ClientStream | undefined
    const form = stream === undefined || stream.remoteDone ? 'nothing' : stream.headless ? 'response' : 'trailers'
    this.heads.begin(form, responseLimits)
    if (!this.decode(bytes, start, end)) return
    if (stream === undefined) {
      if (this.isUnopened(id)) this.fail(ErrorCode.PROTOCOL_ERROR, `a head on stream ${id}, which is not open`)
      else if (!this.remembers(id)) this.fail(ErrorCode.STREAM_CLOSED, `a head on stream ${id}, which is closed`)
      return
    }
    stream.silent = false
    if (form === 'nothing') {
      this.refuse(stream, ErrorCode.STREAM_CLOSED, 'a head behind the end of the stream')
      return
    }
    const { head, malformed, refused } = this.heads
    let fault = malformed ?? refused?.details
    if (fault === undefined && form === 'trailers' && !endStream) fault = 'trailers that do not end the stream'
    if (fault === undefined && form === 'response') fault = this.#onHead(stream, endStream)
    if (fault !== undefined) return this.offend(stream, ErrorCode.PROTOCOL_ERROR, fault)
    if (!endStream || stream.closed) return
    const short = stream.receiveEnd(form === 'trailers' ? head : undefined)
    if (short !== undefined) this.refuse(stream, ErrorCode.PROTOCOL_ERROR, short)
  }

  /** The head of an answer. Returns what is wrong with it, if anything. */
  #onHead(stream: H2ClientStream, endStream: boolean): string | undefined {
    const { head, contentLength } = this.heads
    const { status } = head
    if (status < 200) {
      if (endStream || status === 101) return `an answer of status ${status}`
      if (++stream.informational > maxInformational) return 'too many informational answers'
      stream.receiveInformational(head)
      return undefined
    }
    const bodiless = stream.method === 'HEAD' || status === 204 || status === 304
    let body: BodyExtent = endStream || bodiless ? 'none' : contentLength < 0 ? 'unknown' : 'length'
    if (bodiless) stream.bodyLeft = 0
    else if (stream.method === 'CONNECT' && status < 300) body = endStream ? 'none' : 'unknown'
    else stream.bodyLeft = contentLength
    if (endStream && stream.bodyLeft > 0) return 'less body than content-length says'
    stream.receiveHead(head, body)
    return undefined
  }

  onGoaway(lastId: number, code: number, detail: string): void {
    this.onUnknown()
    const words = `the server goes away: ${errorName(code)}${detail === '' ? '' : ` (${detail})`}`
    const unseen = this.streams.all().filter((stream) => stream.id > lastId)
    const first = !this.#draining
    this.#draining = true
    for (const stream of unseen) stream.fail('refused', words)
    if (first && !this.over) this.#owner.onDraining()
    this.#closeWhenEmpty()
  }

  protected onPeerSettings(): void {
    this.#owner.onRoom()
  }

  protected onDrainPong(): void {}

  protected onStreamLeft(): void {
    this.#afterStream()
  }

  #afterStream(): void {
    if (this.over) return
    if (this.#draining) this.#closeWhenEmpty()
    else this.#owner.onRoom()
  }

  protected onIdle(): void {
    if (!this.#draining && this.active === 0) this.deadlines.arm(this.idleDeadline, this.#owner.idleMs())
  }

  protected onIdleDeadline(): void {
    this.drain()
  }

  protected onOver(close: TransportClose): void {
    this.#draining = true
    this.#owner.onClosed(close)
  }
}
