import { Buffer } from 'node:buffer'
import { editHeaders, type HttpConnectionManager, isFilterEnabled, type RouteAction } from '@weft/engine'
import { FieldsHead } from '../codec/fields-head.ts'
import { dropKind } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { BodyExtent, DownstreamStream, RequestReceiver } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import { filterChain } from '../filters/http-filter.ts'
import type { AcceptedConnection } from '../listen/accepted-connection.ts'
import type { TelemetrySink, UpstreamFacts } from '../telemetry/exchange-record.ts'
import { ConnectTunnel } from './connect-tunnel.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'
import { type ErrorEntry, exchangeErrors } from './error-table.ts'
import { applyForwarding } from './forwarding-headers.ts'
import { ExchangeFacts } from './exchange-facts.ts'
import { Forwarding } from './forwarding.ts'
import { HeadTarget } from './header-target.ts'
import { type LocalReply, replyMessage, replyOf } from './local-reply.ts'
import { readOperator } from './read-operator.ts'
import { RequestBody } from './request-body.ts'
import { addOwnHeaders } from './response-writer.ts'
import { overrideOf } from './route-plan.ts'
import { decideRouting, ownHeaders, routerOutcome } from './routing.ts'

/** What an exchange is part of. */
export interface ExchangeHome {
  readonly context: ProxyContext
  readonly accepted: AcceptedConnection
  readonly sink: TelemetrySink
  /** True when this connection may serve another request after this one. */
  keepsAlive(): boolean
  /** The connection became a tunnel that is over now. */
  onTunnelClosed(): void
}

/**
 * One request and its answer: filters, routing, then forwarding or an answer of our own. It keeps the configuration it
 * began with, and is itself what decisions look at and what telemetry is told, so that neither needs objects made.
 */
export class Exchange extends ExchangeFacts implements RequestReceiver, DeadlineOwner {
  readonly body: RequestBody
  /** The answer's head is on its way: errors can only cut it off from now on. */
  responseStarted = false
  done = false
  readonly #home: ExchangeHome
  readonly #stream: DownstreamStream
  readonly #idle: Deadline = new Deadline(this)
  #limit: Deadline | undefined = undefined
  #idleMs: number
  #nextFilter = 0
  /** Some of the request's body came with the present read. */
  #moved = false
  #forwarding: Forwarding | undefined = undefined
  #tunnel: ConnectTunnel | undefined = undefined
  #hooks: (() => void)[] | undefined = undefined
  #upstream: UpstreamFacts | undefined = undefined

  constructor(home: ExchangeHome, stream: DownstreamStream, manager: HttpConnectionManager) {
    const { context, accepted } = home
    super(context, accepted, manager, stream.head)
    this.#home = home
    this.#stream = stream
    this.body = new RequestBody(stream.requestBody)
    this.#idleMs = manager.timeouts.streamIdleMs
  }

  /** Serves it. */
  begin(): void {
    const { head, manager } = this
    this.#stream.attach(this)
    if (this.#idleMs > 0) this.context.deadlines.arm(this.#idle, this.#idleMs, this.startMs)
    if (!this.body.complete && manager.timeouts.requestMs > 0) {
      this.#limit = new Deadline(this)
      this.context.deadlines.arm(this.#limit, manager.timeouts.requestMs)
    }
    if (this.protocol === 'HTTP/1.0' && !manager.http1.acceptHttp10) return this.fail(exchangeErrors.httpVersion10)
    const problem = head.read(manager)
    if (problem?.kind === 'error') return this.fail(problem.error)
    if (problem !== undefined) {
      return this.reply({
        status: 307,
        details: 'path_normalization_redirect',
        headers: ['location', problem.location],
      })
    }
    if (head.head.has(HeaderKind.EXPECT)) this.#expect(head.head)
    const client = applyForwarding(head, manager, this.#home.accepted, this.context.random)
    this.trustedAddress = client.trustedAddress
    this.requestId = client.requestId
    this.routing = decideRouting(this.config, manager, this)
    if (head.upgrade !== undefined) return this.fail(exchangeErrors.upgradeRefused)
    this.continueRequest()
  }

  /** Runs the filters that have not run, then forwards. Filters that stopped the request call it to go on. */
  continueRequest(): void {
    const chain = filterChain(this.manager)
    while (this.#nextFilter < chain.length) {
      if (this.done) return
      const { filter, kind } = chain[this.#nextFilter++] as (typeof chain)[number]
      const override = this.plan === undefined ? undefined : overrideOf(this.plan, filter.name)
      if (!isFilterEnabled(filter, override)) continue
      if (kind.onRequestHead(this, filter, override) === 'stop') return
    }
    if (!this.done) this.#route()
  }

  /** Calls back when the exchange is over, whatever way. */
  onDone(hook: () => void): void {
    if (this.#hooks === undefined) this.#hooks = [hook]
    else this.#hooks.push(hook)
  }

  /** Answers by an error of the table; after the head is out the answer is cut off instead. */
  fail(error: ErrorEntry, reason?: string): void {
    this.reply(replyOf(error, reason))
  }

  /** Answers by ourselves. */
  reply(reply: LocalReply): void {
    if (this.done) return
    if (reply.flag !== undefined) this.flag(reply.flag)
    this.details = reply.details
    this.#forwarding?.abandon()
    if (this.responseStarted || reply.status === 0) return this.#cut()
    this.responseStarted = true
    this.status = reply.status
    const { manager } = this
    const { head, body } = replyMessage(this.#withRouteHeaders(reply), {
      date: this.context.date.value(),
      server: manager.serverHeader === 'pass-through' ? undefined : manager.serverName,
      isHead: this.method === 'HEAD',
      isGrpc: this.isGrpc,
    })
    this.responseHead = head
    this.bytesSent = body.length
    this.#stream.respond(head, body === '' ? 'none' : 'length', reply.close !== true && this.#home.keepsAlive())
    if (body !== '') this.#stream.sendBytes(Buffer.from(body, 'latin1'), 0, body.length)
    this.#finish(undefined)
  }

  /** An answer given in place of an upstream carries the route's response headers too, whoever gives it (as in Envoy). */
  #withRouteHeaders(reply: LocalReply): LocalReply {
    const { plan } = this
    if (plan === undefined || plan.responseLevels.length === 0 || plan.routed.route.action.kind !== 'route')
      return reply
    return { ...reply, headers: [...(reply.headers ?? []), ...ownHeaders(plan, this)] }
  }

  /** Sends the head of an upstream's answer. */
  respond(head: MessageHead, body: BodyExtent): void {
    this.responseStarted = true
    addOwnHeaders(this, head)
    this.#stream.respond(head, body, this.#home.keepsAlive())
  }

  /** Passes on an informational answer. */
  inform(head: MessageHead): void {
    if (this.responseStarted) return
    this.#stream.inform(head)
    this.#stream.flush()
  }

  /** Sends a piece of the answer's body. False: wait for `Forwarding.resume`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean {
    this.bytesSent += end - start
    return this.#stream.sendBytes(bytes, start, end)
  }

  /** Sends what was gathered of one read of the answer. */
  flushDownstream(): boolean {
    this.touch()
    return this.#stream.flush()
  }

  /** The answer is complete. */
  endResponse(trailers: MessageHead | undefined): void {
    this.responseTrailers = trailers
    this.#finish(trailers)
  }

  /** Reads no more of the request's body for now. */
  pauseRequest(): void {
    if (!this.body.complete) this.#stream.pauseRequest()
  }

  /** Reads more of the request's body. */
  resumeRequest(): void {
    this.#stream.resumeRequest()
  }

  /** True while bytes of one read are being told: gathered output is flushed at its end. */
  get reading(): boolean {
    return this.#stream.consuming
  }

  /** Something moved: the idle limit starts anew. */
  touch(): void {
    if (this.#idleMs > 0) this.context.deadlines.arm(this.#idle, this.#idleMs)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.done) return
    this.bytesReceived += end - start
    this.#moved = true
    const forwarding = this.#forwarding
    const ready = forwarding?.ready === true
    if (!ready || forwarding.mayRepeat) this.body.keep(bytes, start, end)
    if (ready) {
      if (!forwarding.sendBody(bytes, start, end)) this.#stream.pauseRequest()
    } else if (this.body.full) this.#stream.pauseRequest()
  }

  onEnd(trailers: MessageHead | undefined): void {
    if (this.done) return
    this.body.complete = true
    this.body.trailers = trailers
    if (this.#limit !== undefined) this.context.deadlines.disarm(this.#limit)
    this.#forwarding?.endBody()
  }

  onFlush(): void {
    if (this.#moved) {
      this.#moved = false
      this.touch()
    }
    if (this.#tunnel !== undefined) this.#tunnel.start()
    else this.#forwarding?.flush()
  }

  onWritable(): void {
    this.#forwarding?.resume()
  }

  onBodyFault(details: string): void {
    this.fail({ ...exchangeErrors.downstreamBodyFault, details })
  }

  onGone(): void {
    if (this.done) return
    this.fail(exchangeErrors.downstreamGone)
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#idle) this.fail(exchangeErrors.streamIdle)
    else this.fail(this.body.complete ? exchangeErrors.maxDuration : exchangeErrors.requestTimeout)
  }

  /** The tunnel is over; the connection is the tunnel's, and is gone. */
  endTunnel(): void {
    if (this.done) return
    this.#report()
    this.#home.onTunnelClosed()
  }

  /** Says that the tunnel is open, and hands the stream over to it. */
  takeOver(): ReturnType<DownstreamStream['tunnel']> {
    this.context.deadlines.disarm(this.#idle)
    this.responseStarted = true
    this.status = 200
    const head = new FieldsHead('HTTP/1.1')
    head.status = 200
    this.#stream.respond(head, 'none', true)
    return this.#stream.tunnel()
  }

  /** Ends the connection, tunnel or not. */
  destroy(): void {
    if (this.#tunnel !== undefined) this.#tunnel.destroy()
    this.fail(exchangeErrors.downstreamGone)
  }

  get upstream(): UpstreamFacts | undefined {
    return this.#upstream ?? this.#forwarding?.facts() ?? this.#tunnel?.facts()
  }
  #expect(head: MessageHead): void {
    if (head.protocol === 'HTTP/1.0' || head.value('expect')?.toLowerCase() !== '100-continue') return
    dropKind(head, HeaderKind.EXPECT)
    if (!this.body.complete) this.inform(continueHead())
  }

  /** The router: the end of every chain. */
  #route(): void {
    const outcome = routerOutcome(this.routing, this)
    if ('kind' in outcome) this.#forward(outcome)
    else this.reply(outcome)
  }

  #forward(action: RouteAction): void {
    const cluster = this.context.clusters.get(this.clusterName ?? '')
    if (cluster === undefined || !this.config.clusters.has(cluster.cluster.name)) return this.#noCluster(action)
    if (this.method === 'CONNECT') {
      const onRoute = action.upgrades.get('connect')
      const enabled = onRoute?.enabled ?? this.manager.upgrades.has('connect')
      if (!enabled || onRoute?.terminateConnect !== true) return this.fail(exchangeErrors.upgradeRefused)
      this.#tunnel = new ConnectTunnel(this, cluster, this.#home.accepted.peer)
      if (!this.reading) this.#tunnel.start()
      return
    }
    const levels = this.plan?.requestLevels ?? []
    if (levels.length > 0) {
      const target = new HeadTarget(this.head.head, (value) => {
        this.head.authorityText = value
      })
      editHeaders('request', levels, target, (operator) => readOperator(operator, this))
    }
    const forwarding = new Forwarding(this, cluster, action)
    this.#forwarding = forwarding
    if (action.idleTimeoutMs !== undefined) this.#idleMs = action.idleTimeoutMs
    if (forwarding.timeouts.maxStreamDurationMs > 0) {
      this.#limit ??= new Deadline(this)
      this.context.deadlines.arm(this.#limit, forwarding.timeouts.maxStreamDurationMs)
    }
    forwarding.attempt()
  }

  #noCluster(action: RouteAction): void {
    this.fail({ ...exchangeErrors.noCluster, status: action.clusterNotFoundStatus })
  }

  #cut(): void {
    this.#report()
    this.#stream.reset('internal')
  }

  #finish(trailers: MessageHead | undefined): void {
    if (this.done) return
    // Before the end: with it the stream may take the next request's head in place of this one.
    this.#report()
    this.#stream.end(trailers)
  }

  /** Exactly once: lets go of everything and tells telemetry. */
  #report(): void {
    this.done = true
    this.context.deadlines.disarm(this.#idle)
    if (this.#limit !== undefined) this.context.deadlines.disarm(this.#limit)
    this.#upstream = this.upstream
    this.#home.sink.onExchange(this)
    if (this.#hooks !== undefined) for (const hook of this.#hooks) hook()
  }
}

function continueHead(): MessageHead {
  const head = new FieldsHead('HTTP/1.1')
  head.status = 100
  return head
}
