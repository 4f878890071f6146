import type { TransportClose } from '@weft/core'
import type { HttpConnectionManager } from '@weft/engine'
import { Buffer } from 'node:buffer'
import { reasonPhrase } from '../codec/h1/reason-phrase.ts'
import type { RequestServer } from '../codec/h1/request-server.ts'
import { H1ServerConnection } from '../codec/h1/server-connection.ts'
import { h2OptionsOf } from '../codec/h2/h2-options-of.ts'
import { type H2Server, H2ServerConnection } from '../codec/h2/server-connection.ts'
import type { DownstreamStream } from '../codec/http-stream.ts'
import type { HeadFault, HeadLimits } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { AcceptedConnection, ServedConnection } from '../listen/accepted-connection.ts'
import type { TelemetrySink } from '../telemetry/exchange-record.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'
import { exchangeErrors } from './error-table.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeHome, Predecessor } from './exchange-home.ts'
import { type LocalReply, replyMessage, replyOf } from './local-reply.ts'
import { PrefaceSniffer } from './preface-sniffer.ts'
import { refusedRecord } from './refused-record.ts'

/** One downstream connection: makes an exchange of each request, in whichever protocol the client speaks. */
export class HttpConnection implements RequestServer, H2Server, ExchangeHome, ServedConnection, DeadlineOwner {
  readonly context: ProxyContext
  readonly accepted: AcceptedConnection
  readonly sink: TelemetrySink
  #h1: H1ServerConnection | undefined = undefined
  #h2: H2ServerConnection | undefined = undefined
  /** HTTP/1.1: the one being served, which may have become a tunnel. */
  #exchange: Exchange | undefined = undefined
  #manager: HttpConnectionManager
  #limits: HeadLimits
  #requests = 0
  #draining = false
  #closed = false
  /** Of the whole connection; only where there is one. */
  #lifetime: Deadline | undefined = undefined

  constructor(context: ProxyContext, accepted: AcceptedConnection, manager: HttpConnectionManager) {
    this.context = context
    this.accepted = accepted
    this.sink = context.telemetry(accepted)
    this.#manager = manager
    this.#limits = { maxBytes: manager.maxRequestHeadersBytes, maxHeaders: manager.maxRequestHeaders }
  }

  start(): void {
    const { transport, head } = this.accepted
    const { codec, timeouts } = this.#manager
    if (timeouts.maxConnectionDurationMs > 0) {
      this.context.deadlines.arm((this.#lifetime = new Deadline(this)), timeouts.maxConnectionDurationMs)
    }
    const { alpn } = transport
    if (codec === 'http1') this.#speak(false, head)
    else if (alpn !== undefined) this.#speak(codec === 'http2' || alpn === 'h2', head)
    else new PrefaceSniffer(transport, this, this.context.deadlines).start(head)
  }

  /** The connection has lived long enough. */
  onDeadline(): void {
    if (this.#h1 === undefined && this.#h2 === undefined) return this.destroy()
    this.#h1?.retire()
    this.#h2?.drain()
  }

  /** The client has shown what it speaks; `head` holds the bytes that showed it. */
  onProtocol(http2: boolean, head: Buffer): void {
    // Frames are no answer for somebody who speaks something else.
    if (!http2 && this.#manager.codec === 'http2') this.accepted.transport.destroy()
    else this.#speak(http2, head)
  }

  #speak(http2: boolean, head: Buffer | undefined): void {
    const { transport } = this.accepted
    const { deadlines, h2 } = this.context
    if (http2) {
      const codec = new H2ServerConnection(transport, this, h2, h2OptionsOf(this.#manager.http2))
      this.#h2 = codec
      codec.start(head)
      if (this.#draining) codec.drain()
    } else {
      const codec = new H1ServerConnection(transport, this, deadlines)
      this.#h1 = codec
      if (this.#draining) codec.closeAfterNext()
      codec.start(head)
    }
  }

  limits(): HeadLimits {
    const { terminal } = this.accepted.chain()
    if (terminal !== this.#manager && terminal.kind === 'http') {
      this.#manager = terminal
      this.#limits = { maxBytes: terminal.maxRequestHeadersBytes, maxHeaders: terminal.maxRequestHeaders }
    }
    return this.#limits
  }

  idleMs(): number {
    return this.#manager.timeouts.idleMs
  }
  headMs(): number {
    return this.#manager.timeouts.requestHeadersMs || this.#manager.timeouts.idleMs
  }
  drainMs(): number {
    return this.#manager.timeouts.drainMs
  }
  lingerMs(): number {
    return this.#manager.timeouts.delayedCloseMs
  }

  keepsTrailers(): boolean {
    return this.#manager.http1.trailers
  }

  onRequest(stream: DownstreamStream): void {
    this.#requests++
    const exchange = new Exchange(this, stream, this.#manager)
    this.#exchange = exchange
    exchange.begin()
  }

  onStream(stream: DownstreamStream): void {
    this.#requests++
    if (!this.keepsAlive()) this.#h2?.drain()
    new Exchange(this, stream, this.#manager).begin()
  }

  goOn(stream: DownstreamStream, before: Predecessor): Exchange {
    const exchange = new Exchange(this, stream, this.#manager, before)
    if (this.#h1 !== undefined) this.#exchange = exchange
    return exchange
  }

  keepsAlive(): boolean {
    const most = this.#manager.maxRequestsPerConnection
    return !this.#draining && (most === 0 || this.#requests < most)
  }

  onHeadFault(stream: DownstreamStream, { status, details }: HeadFault): void {
    if (this.#h2 !== undefined && status === 431) {
      // Over HTTP/2 Envoy resets where it answers over HTTP/1.
      this.sink.onExchange(refusedRecord(this, 'HTTP/2', { status: 0, details, flag: 'DR' }))
      return stream.reset('internal')
    }
    this.#refuse(stream, { status, details, flag: 'DPE', body: reasonPhrase(status) })
  }

  onHeadTimeout(stream: DownstreamStream): void {
    this.#refuse(stream, replyOf(exchangeErrors.headersTimeout))
  }

  onHeadCutOff(protocol: string): void {
    const { details, flag } = exchangeErrors.downstreamGone
    this.sink.onExchange(refusedRecord(this, protocol, { status: 0, details, flag }))
  }

  onMalformed(details: string): void {
    this.sink.onExchange(refusedRecord(this, 'HTTP/2', { status: 0, details, flag: 'DPE' }))
  }

  onClosed(_close: TransportClose): void {
    this.#over()
  }

  onTunnelClosed(): void {
    // Over HTTP/2 it was but one of its streams.
    if (this.#h1 !== undefined) this.#over()
  }

  drain(): void {
    this.#draining = true
    this.#h1?.closeAfterNext()
    this.#h2?.drain()
  }

  /** True when no request is being served and none has begun. */
  idle(): boolean {
    return this.#h1?.idle ?? this.#h2?.idle ?? true
  }

  destroy(): void {
    if (this.#exchange !== undefined && !this.#exchange.done) this.#exchange.destroy()
    else this.accepted.transport.destroy()
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#lifetime !== undefined) this.context.deadlines.disarm(this.#lifetime)
    this.accepted.onClosed()
  }

  /** Answers what never became a request, and tells telemetry of it. */
  #refuse(stream: DownstreamStream, reply: LocalReply): void {
    const form = { date: this.context.date.value(), server: this.#manager.serverName, isHead: false, isGrpc: false }
    const { head, body } = replyMessage(reply, form)
    this.sink.onExchange(refusedRecord(this, stream.head.protocol, reply))
    stream.respond(head, body === '' ? 'none' : 'length', false)
    if (body !== '') stream.sendBytes(Buffer.from(body, 'latin1'), 0, body.length)
    stream.end()
  }
}
