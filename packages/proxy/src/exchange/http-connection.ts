import type { TransportClose } from '@weft/core'
import type { HttpConnectionManager } from '@weft/engine'
import { Buffer } from 'node:buffer'
import { reasonPhrase } from '../codec/h1/reason-phrase.ts'
import { H1ServerConnection, type RequestServer } from '../codec/h1/server-connection.ts'
import type { DownstreamStream } from '../codec/http-stream.ts'
import type { HeadFault, HeadLimits } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { AcceptedConnection, ServedConnection } from '../listen/accepted-connection.ts'
import type { ExchangeRecord, TelemetrySink } from '../telemetry/exchange-record.ts'
import { exchangeErrors } from './error-table.ts'
import { Exchange, type ExchangeHome } from './exchange.ts'
import { type LocalReply, replyMessage, replyOf } from './local-reply.ts'

/** One downstream connection that speaks HTTP/1.1: makes an exchange of each request. */
export class HttpConnection implements RequestServer, ExchangeHome, ServedConnection {
  readonly context: ProxyContext
  readonly accepted: AcceptedConnection
  readonly sink: TelemetrySink
  readonly #h1: H1ServerConnection
  #exchange: Exchange | undefined = undefined
  #manager: HttpConnectionManager
  #limits: HeadLimits
  #requests = 0
  #draining = false
  #closed = false

  constructor(context: ProxyContext, accepted: AcceptedConnection, manager: HttpConnectionManager) {
    this.context = context
    this.accepted = accepted
    this.sink = context.telemetry(accepted)
    this.#manager = manager
    this.#limits = { maxBytes: manager.maxRequestHeadersBytes, maxHeaders: manager.maxRequestHeaders }
    this.#h1 = new H1ServerConnection(accepted.transport, this, context.deadlines)
  }

  start(): void {
    this.#h1.start(this.accepted.head)
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

  keepsAlive(): boolean {
    const most = this.#manager.maxRequestsPerConnection
    return !this.#draining && (most === 0 || this.#requests < most)
  }

  onHeadFault(stream: DownstreamStream, { status, details }: HeadFault): void {
    this.#refuse(stream, { status, details, flag: 'DPE', body: reasonPhrase(status) })
  }

  onHeadTimeout(stream: DownstreamStream): void {
    this.#refuse(stream, replyOf(exchangeErrors.headersTimeout))
  }

  onClosed(_close: TransportClose): void {
    this.#over()
  }

  onTunnelClosed(): void {
    this.#over()
  }

  drain(): void {
    this.#draining = true
    this.#h1.closeAfterNext()
  }

  /** True when no request is being served and none has begun. */
  idle(): boolean {
    return this.#h1.idle
  }

  destroy(): void {
    if (this.#exchange !== undefined && !this.#exchange.done) this.#exchange.destroy()
    else this.accepted.transport.destroy()
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    this.accepted.onClosed()
  }

  /** Answers what never became a request, and tells telemetry of it. */
  #refuse(stream: DownstreamStream, reply: LocalReply): void {
    const form = { date: this.context.date.value(), server: this.#manager.serverName, isHead: false, isGrpc: false }
    const { head, body } = replyMessage(reply, form)
    this.sink.onExchange(this.#refusedRecord(reply))
    stream.respond(head, body === '' ? 'none' : 'length', false)
    if (body !== '') stream.sendBytes(Buffer.from(body, 'latin1'), 0, body.length)
    stream.end()
  }

  #refusedRecord(reply: LocalReply): ExchangeRecord {
    return {
      startWallMs: this.context.runtime.clock.wallMs(),
      durationMs: 0,
      upstreamServiceMs: undefined,
      downstream: this.accepted.facts,
      downstreamPeer: this.accepted.peer,
      upstream: undefined,
      route: undefined,
      virtualHost: undefined,
      protocol: 'HTTP/1.1',
      method: '',
      path: '',
      authority: '',
      requestId: undefined,
      status: reply.status,
      grpcStatus: undefined,
      flags: reply.flag === undefined ? [] : [reply.flag],
      details: reply.details,
      bytesReceived: 0,
      bytesSent: reply.body?.length ?? 0,
      requestHeader: () => undefined,
      responseHeader: () => undefined,
    }
  }
}
