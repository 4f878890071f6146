import { Buffer } from 'node:buffer'
import type { Transport, TransportClose } from '@weft/core'
import type { DownstreamStream } from '../http-stream.ts'
import type { HeadFault, HeadLimits } from '../message-head.ts'
import { H2Connection, type H2Shared, type HeadBlock } from './connection.ts'
import { brokenRule, invalidField } from './head-reader.ts'
import { clientPreface, ErrorCode, largestWindowBytes, PingPurpose, writeGoaway } from './frame.ts'
import type { H2Options } from './h2-options.ts'
import { Setting } from './peer-settings.ts'
import { H2ServerStream } from './server-stream.ts'
import type { H2Stream } from './stream.ts'

/** Who answers the requests of a connection. */
export interface H2Server {
  limits(): HeadLimits
  /** Milliseconds a connection without streams is kept; 0: for ever. */
  idleMs(): number
  /** Milliseconds from a head's first byte to its last; 0: no limit. */
  headMs(): number
  /** Milliseconds a client that was warned may take to close. */
  drainMs(): number
  /** Must `attach` a receiver, or answer and end, before it returns. */
  onStream(stream: DownstreamStream): void
  /** A well-formed head that is not served: answer it, or reset the stream. */
  onHeadFault(stream: DownstreamStream, fault: HeadFault): void
  /** A malformed head; its stream was reset. */
  onMalformed(details: string): void
  onClosed(close: TransportClose): void
}

const preface = Buffer.from(clientPreface)

/** The server side of one HTTP/2 connection. */
export class H2ServerConnection extends H2Connection {
  readonly #server: H2Server
  #prefaceSeen = 0
  /** The largest id the client has used. */
  #lastId = 0
  /** `told`: the last word is said; `over`: nothing is waited for but streams. */
  #draining: 'no' | 'warned' | 'told' | 'over' = 'no'
  #goawayId = largestWindowBytes

  constructor(transport: Transport, server: H2Server, shared: H2Shared, options: H2Options) {
    super(transport, shared, options)
    this.#server = server
  }

  /** Begins to serve; `early` holds bytes already read, the client's preface among them. */
  start(early: Buffer | undefined): void {
    this.deadlines.arm(this.idleDeadline, this.#server.idleMs())
    this.begin(early)
  }

  /** True when no request is being served. */
  get idle(): boolean {
    return this.streams.size === 0
  }

  /**
   * Takes no further requests and closes once those there are were answered. The client is warned first, so that requests on their way
   * to us are still served, and is given time to close by itself.
   */
  drain(): void {
    if (this.over || this.#draining !== 'no') return
    this.#draining = 'warned'
    writeGoaway(this.output, largestWindowBytes, ErrorCode.NO_ERROR, '')
    this.ping(PingPurpose.DRAIN)
    this.deadlines.arm(this.idleDeadline, Math.max(1, this.#server.drainMs()))
  }

  protected override readFrames(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (this.#prefaceSeen < preface.length && at < end) {
      if (bytes[at++] !== preface[this.#prefaceSeen++]) {
        this.fail(ErrorCode.PROTOCOL_ERROR, 'not the preface of HTTP/2')
        return
      }
    }
    if (at < end) super.readFrames(bytes, at, end)
  }

  protected get isClient(): boolean {
    return false
  }

  headLimits(): HeadLimits {
    return this.#server.limits()
  }

  protected headMs(): number {
    return this.#server.headMs()
  }

  protected lastPeerId(): number {
    return Math.min(this.#lastId, this.#goawayId)
  }

  protected isUnopened(id: number): boolean {
    return (id & 1) === 0 || id > this.#lastId
  }

  protected settings(): number[] {
    const { options } = this
    const settings = [
      ...[Setting.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams],
      ...[Setting.INITIAL_WINDOW_SIZE, options.streamWindowBytes],
      ...[Setting.MAX_HEADER_LIST_SIZE, this.headLimits().maxBytes],
      ...[Setting.HEADER_TABLE_SIZE, options.headerTableBytes],
    ]
    if (options.allowConnect) settings.push(Setting.ENABLE_CONNECT_PROTOCOL, 1)
    return settings
  }

  onBlock(block: HeadBlock, bytes: Buffer, start: number, end: number): void {
    const { id } = block
    const stream = this.streams.get(id)
    if (stream !== undefined) return this.#onTrailers(stream, block, bytes, start, end)
    if ((id & 1) === 0) return void this.fail(ErrorCode.PROTOCOL_ERROR, `a request on stream ${id}`)
    const known = id <= this.#lastId
    const full = this.streams.size >= this.options.maxConcurrentStreams
    const request = !known && !full && id <= this.#goawayId
    this.heads.begin(request ? 'request' : 'nothing', this.headLimits(), this.options.allowConnect)
    if (!this.decode(bytes, start, end)) {
      if (request) this.#server.onMalformed(invalidField)
      return
    }
    if (known) {
      if (!this.remembers(id)) this.fail(ErrorCode.STREAM_CLOSED, `a head on stream ${id}, which is closed`)
      return
    }
    this.#lastId = id
    this.guard.onStream()
    // What comes after our last word was not looked at: the client knows that from GOAWAY.
    if (id > this.#goawayId) this.remember(id)
    else if (full) this.resetId(id, ErrorCode.REFUSED_STREAM)
    else this.#onRequest(block)
  }

  #onRequest({ id, endStream, selfDependent }: HeadBlock): void {
    const { head, malformed, refused, contentLength } = this.heads
    const short = endStream && contentLength > 0
    if (malformed !== undefined || selfDependent || short) {
      const details = malformed ?? brokenRule
      this.#server.onMalformed(details)
      if (this.options.streamErrorOnMalformed) this.resetId(id, ErrorCode.PROTOCOL_ERROR)
      else this.fail(ErrorCode.PROTOCOL_ERROR, details)
      return
    }
    const stream = new H2ServerStream(this, id, head, endStream ? 'none' : contentLength < 0 ? 'unknown' : 'length')
    if (head.methodText !== 'CONNECT') stream.bodyLeft = contentLength
    this.streams.add(stream)
    if (this.#draining === 'no') this.deadlines.disarm(this.idleDeadline)
    // Also a request that is nothing but its head is told when this read is over.
    this.touch(stream)
    if (refused === undefined) this.#server.onStream(stream)
    else this.#server.onHeadFault(stream, refused)
  }

  #onTrailers(stream: H2Stream, block: HeadBlock, bytes: Buffer, start: number, end: number): void {
    const ended = stream.remoteDone
    this.heads.begin(ended ? 'nothing' : 'trailers', this.headLimits())
    if (!this.decode(bytes, start, end)) return
    if (ended) return this.refuse(stream, ErrorCode.STREAM_CLOSED, 'a head behind the end of the stream')
    const { head, malformed, refused } = this.heads
    const fault = malformed ?? refused?.details ?? (block.endStream ? undefined : brokenRule)
    if (fault !== undefined) return this.offend(stream, ErrorCode.PROTOCOL_ERROR, fault)
    const short = stream.receiveEnd(head)
    if (short !== undefined) this.refuse(stream, ErrorCode.PROTOCOL_ERROR, short)
  }

  /** A client that goes opens no further streams; those there are go on. */
  onGoaway(): void {
    this.onUnknown()
  }

  protected onPeerSettings(): void {}
  protected onStreamLeft(): void {}

  protected onIdle(): void {
    if (this.#draining === 'over') this.finish('drained')
    else if (this.#draining === 'no') this.deadlines.arm(this.idleDeadline, this.#server.idleMs())
  }

  protected onIdleDeadline(): void {
    if (this.#draining === 'no') return this.drain()
    this.onDrainPong()
    this.#draining = 'over'
    if (this.idle) this.finish('drained')
  }

  /** The client has seen the warning: what it sends from now on it can send elsewhere. */
  protected onDrainPong(): void {
    if (this.#draining !== 'warned') return
    this.#draining = 'told'
    this.#goawayId = this.#lastId
    writeGoaway(this.output, this.#goawayId, ErrorCode.NO_ERROR, '')
    this.output.dirty()
  }

  protected override onHeadCutOff(): void {
    this.#server.onMalformed(brokenRule)
  }

  protected onOver(close: TransportClose): void {
    this.#server.onClosed(close)
  }
}
