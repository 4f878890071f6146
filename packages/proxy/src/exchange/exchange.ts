import type { Buffer } from 'node:buffer'
import { editHeaders, type HttpConnectionManager, isFilterEnabled, type RouteAction } from '@weft/engine'
import type { Framing } from '../codec/h1/framing.ts'
import type { H1Head } from '../codec/h1/h1-head.ts'
import { dropKind } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import { takeHopByHop } from '../codec/hop-by-hop.ts'
import type { H1ServerConnection, RequestReceiver } from '../codec/h1/server-connection.ts'
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
import { type LocalReply, replyOf, replyText } from './local-reply.ts'
import { readOperator } from './read-operator.ts'
import { RequestBody } from './request-body.ts'
import { responseHeadText } from './response-writer.ts'
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
  readonly #h1: H1ServerConnection
  readonly #idle: Deadline = new Deadline(this)
  #limit: Deadline | undefined = undefined
  #idleMs: number
  #nextFilter = 0
  #chunkedResponse = false
  /** Some of the request's body came with the present read. */
  #moved = false
  #keepAlive = true
  #forwarding: Forwarding | undefined = undefined
  #tunnel: ConnectTunnel | undefined = undefined
  #hooks: (() => void)[] | undefined = undefined
  #upstream: UpstreamFacts | undefined = undefined

  constructor(home: ExchangeHome, h1: H1ServerConnection, manager: HttpConnectionManager, framing: Framing) {
    const { context, accepted } = home
    super(context, accepted, manager, h1.head)
    this.#home = home
    this.#h1 = h1
    const empty = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)
    this.body = new RequestBody(framing.kind === 'chunked', empty)
    this.#idleMs = manager.timeouts.streamIdleMs
  }

  /** Serves it. */
  begin(): void {
    const { head, manager } = this
    const h1 = head.head
    this.#h1.attach(this)
    if (this.#idleMs > 0) this.context.deadlines.arm(this.#idle, this.#idleMs, this.startMs)
    if (!this.body.complete && manager.timeouts.requestMs > 0) {
      this.#limit = new Deadline(this)
      this.context.deadlines.arm(this.#limit, manager.timeouts.requestMs)
    }
    if (h1.minor === 0 && !manager.http1.acceptHttp10) return this.fail(exchangeErrors.httpVersion10)
    const upgrade = h1.has(HeaderKind.UPGRADE) ? h1.value('upgrade') : undefined
    const options = takeHopByHop(h1)
    this.#keepAlive = !options.close && (h1.minor === 1 || options.keepAlive)
    const problem = head.read(manager)
    if (problem?.kind === 'error') return this.fail(problem.error)
    if (problem !== undefined) {
      return this.reply({
        status: 307,
        details: 'path_normalization_redirect',
        headers: `location: ${problem.location}\r\n`,
      })
    }
    if (h1.has(HeaderKind.EXPECT)) this.#expect(h1)
    const client = applyForwarding(head, manager, this.#home.accepted, this.context.random)
    this.trustedAddress = client.trustedAddress
    this.requestId = client.requestId
    this.routing = decideRouting(this.config, manager, this)
    if (upgrade !== undefined && upgrade.toLowerCase() !== 'h2c') return this.fail(exchangeErrors.upgradeRefused)
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
    if (reply.close === true) this.#keepAlive = false
    const { manager } = this
    const text = replyText(this.#withRouteHeaders(reply), {
      date: this.context.date.value(),
      server: manager.serverHeader === 'pass-through' ? undefined : manager.serverName,
      isHead: this.method === 'HEAD',
      isGrpc: this.isGrpc,
      connectionLine: this.#connectionLine(),
    })
    this.bytesSent = this.method === 'HEAD' ? 0 : (reply.body?.length ?? 0)
    this.#h1.send(text)
    this.#finish()
  }

  /** An answer given in place of an upstream carries the route's response headers too, whoever gives it (as in Envoy). */
  #withRouteHeaders(reply: LocalReply): LocalReply {
    const { plan } = this
    if (plan === undefined || plan.responseLevels.length === 0 || plan.routed.route.action.kind !== 'route')
      return reply
    return { ...reply, headers: (reply.headers ?? '') + ownHeaders(plan, this) }
  }

  /** Sends the head of an upstream's answer. */
  respond(head: H1Head, body: 'none' | 'length' | 'unknown'): void {
    this.responseStarted = true
    const old = this.head.head.minor === 0
    this.#chunkedResponse = body === 'unknown' && !old
    if (body === 'unknown' && old) this.#keepAlive = false
    this.#h1.send(responseHeadText(this, head, this.#chunkedResponse, this.#connectionLine()))
  }

  /** Passes on an informational answer, which HTTP/1.0 does not know. */
  inform(text: string): void {
    if (this.head.head.minor === 0 || this.responseStarted) return
    this.#h1.send(text)
    this.#h1.flush()
  }

  /** Sends a piece of the answer's body. False: wait for `Forwarding.resume`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean {
    this.bytesSent += end - start
    if (!this.#chunkedResponse) return this.#h1.sendBytes(bytes, start, end)
    this.#h1.send(`${(end - start).toString(16)}\r\n`)
    const more = this.#h1.sendBytes(bytes, start, end)
    this.#h1.send('\r\n')
    return more
  }

  /** Sends what was gathered of one read of the answer. */
  flushDownstream(): boolean {
    this.touch()
    return this.#h1.flush()
  }

  /** The answer is complete. */
  endResponse(): void {
    if (this.done) return
    if (this.#chunkedResponse) this.#h1.send('0\r\n\r\n')
    this.#finish()
  }

  /** Reads no more of the request's body for now. */
  pauseRequest(): void {
    if (!this.body.complete) this.#h1.pauseRequest()
  }

  /** Reads more of the request's body. */
  resumeRequest(): void {
    this.#h1.resumeRequest()
  }

  /** True while bytes of one read are being told: gathered output is flushed at its end. */
  get reading(): boolean {
    return this.#h1.consuming
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
      if (!forwarding.sendBody(bytes, start, end)) this.#h1.pauseRequest()
    } else if (this.body.full) this.#h1.pauseRequest()
  }

  onEnd(): void {
    if (this.done) return
    this.body.complete = true
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

  /** Hands the connection over to a tunnel. */
  takeOver(): Buffer | undefined {
    this.context.deadlines.disarm(this.#idle)
    this.responseStarted = true
    this.status = 200
    return this.#h1.takeOver()
  }

  /** Ends the connection, tunnel or not. */
  destroy(): void {
    if (this.#tunnel !== undefined) this.#tunnel.destroy()
    this.fail(exchangeErrors.downstreamGone)
  }

  get transport() {
    return this.#h1.transport
  }
  get upstream(): UpstreamFacts | undefined {
    return this.#upstream ?? this.#forwarding?.facts() ?? this.#tunnel?.facts()
  }
  #expect(h1: H1Head): void {
    if (h1.minor === 0 || h1.value('expect')?.toLowerCase() !== '100-continue') return
    dropKind(h1, HeaderKind.EXPECT)
    if (this.body.complete) return
    this.#h1.send('HTTP/1.1 100 Continue\r\n\r\n')
    this.#h1.flush()
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

  #connectionLine(): string {
    if (!this.#keepAlive || this.#h1.closing || !this.#home.keepsAlive()) {
      this.#keepAlive = false
      return 'connection: close\r\n'
    }
    return this.head.head.minor === 0 ? 'connection: keep-alive\r\n' : ''
  }

  #cut(): void {
    this.#report()
    this.#h1.abort()
  }

  #finish(): void {
    if (this.done) return
    this.#h1.flush()
    this.#report()
    this.#h1.responseDone(this.#keepAlive)
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
