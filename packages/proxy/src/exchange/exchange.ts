import type { Buffer } from 'node:buffer'
import type { PeerIdentity } from '@weft/core'
import {
  type ActiveConfig,
  chooseCluster,
  type ConnectionFacts,
  decideRoute,
  editHeaders,
  type HttpConnectionManager,
  isFilterEnabled,
  redirectResponse,
  type Route,
  type RouteAction,
  type RouteDecision,
  type Subject,
} from '@weft/engine'
import type { Framing } from '../codec/h1/framing.ts'
import type { H1Head } from '../codec/h1/h1-head.ts'
import { dropKind, headerSafe } from '../codec/h1/head-edits.ts'
import { HeaderKind } from '../codec/h1/header-kind.ts'
import { takeHopByHop } from '../codec/h1/hop-by-hop.ts'
import type { H1ServerConnection, RequestReceiver } from '../codec/h1/server-connection.ts'
import type { ProxyContext } from '../context.ts'
import { filterChain } from '../filters/http-filter.ts'
import type { AcceptedConnection } from '../listen/accepted-connection.ts'
import type { ExchangeRecord, ResponseFlag, TelemetrySink, UpstreamFacts } from '../telemetry/exchange-record.ts'
import { ConnectTunnel } from './connect-tunnel.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'
import { type ErrorEntry, exchangeErrors } from './error-table.ts'
import { applyForwarding } from './forwarding-headers.ts'
import { Forwarding } from './forwarding.ts'
import { HeadTarget } from './header-target.ts'
import { type LocalReply, replyOf, replyText } from './local-reply.ts'
import { readOperator } from './read-operator.ts'
import { RequestBody } from './request-body.ts'
import { RequestView } from './request-view.ts'
import { overrideOf, type RoutePlan, routePlan } from './route-plan.ts'

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

const noFlags: readonly ResponseFlag[] = []

/**
 * One request and its answer: filters, routing, then forwarding or an answer of our own. It keeps the configuration it
 * began with, and is itself what decisions look at and what telemetry is told, so that neither needs objects made.
 */
export class Exchange implements RequestReceiver, Subject, ExchangeRecord, DeadlineOwner {
  readonly context: ProxyContext
  readonly config: ActiveConfig
  readonly manager: HttpConnectionManager
  readonly head: RequestView
  readonly connection: ConnectionFacts
  readonly downstreamPeer: PeerIdentity | undefined
  readonly body: RequestBody
  readonly downstream: ConnectionFacts
  trustedAddress: string | undefined = undefined
  requestId: string | undefined = undefined
  route: Route | undefined = undefined
  plan: RoutePlan | undefined = undefined
  clusterName: string | undefined = undefined
  status = 0
  details = ''
  flags: readonly ResponseFlag[] = noFlags
  bytesReceived = 0
  bytesSent = 0
  upstreamServiceMs: number | undefined = undefined
  startMs: number
  responseHead: H1Head | undefined = undefined
  /** The answer's head is on its way: errors can only cut it off from now on. */
  responseStarted = false
  done = false
  readonly #home: ExchangeHome
  readonly #h1: H1ServerConnection
  readonly #idle: Deadline = new Deadline(this)
  #limit: Deadline | undefined = undefined
  #idleMs: number
  #decision: RouteDecision | undefined = undefined
  #choiceFailed = false
  #random = -1
  #nextFilter = 0
  #chunkedResponse = false
  #keepAlive = true
  #forwarding: Forwarding | undefined = undefined
  #tunnel: ConnectTunnel | undefined = undefined
  #hooks: (() => void)[] | undefined = undefined

  constructor(home: ExchangeHome, h1: H1ServerConnection, manager: HttpConnectionManager, framing: Framing) {
    const { context, accepted } = home
    this.#home = home
    this.#h1 = h1
    this.context = context
    this.config = context.config()
    this.manager = manager
    this.connection = accepted.facts
    this.downstream = accepted.facts
    this.downstreamPeer = accepted.peer
    this.head = new RequestView(h1.head, accepted.facts.tls)
    const empty = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)
    this.body = new RequestBody(framing.kind === 'chunked', empty)
    this.startMs = context.runtime.clock.nowMs()
    this.#idleMs = manager.timeouts.streamIdleMs
  }

  /** Serves it. */
  begin(): void {
    const { head, manager } = this
    const h1 = head.head
    this.#h1.attach(this)
    this.touch()
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
    this.#decide()
    if (upgrade !== undefined && upgrade.toLowerCase() !== 'h2c') return this.fail(exchangeErrors.upgradeRefused)
    this.continueRequest()
  }

  /** The stream's random value, drawn when first asked for. */
  get random(): number {
    if (this.#random < 0) this.#random = this.context.random.uint48()
    return this.#random
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

  /** Remembers why the answer is not simply the upstream's. */
  flag(flag: ResponseFlag): void {
    if (!this.flags.includes(flag)) this.flags = [...this.flags, flag]
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
    const text = replyText(reply, {
      date: this.context.date.value(),
      server: manager.serverHeader === 'pass-through' ? undefined : manager.serverName,
      isHead: this.method === 'HEAD',
      isGrpc: this.#isGrpc(),
      connectionLine: this.#connectionLine(),
    })
    this.bytesSent = this.method === 'HEAD' ? 0 : (reply.body?.length ?? 0)
    this.#h1.send(text)
    this.#finish()
  }

  /** Sends the head of an upstream's answer. */
  respond(text: (chunked: boolean, connectionLine: string) => string, body: 'none' | 'length' | 'unknown'): void {
    this.responseStarted = true
    const old = this.head.head.minor === 0
    this.#chunkedResponse = body === 'unknown' && !old
    if (body === 'unknown' && old) this.#keepAlive = false
    this.#h1.send(text(this.#chunkedResponse, this.#connectionLine()))
    this.touch()
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
    this.touch()
    if (!this.#chunkedResponse) return this.#h1.sendBytes(bytes, start, end)
    this.#h1.send(`${(end - start).toString(16)}\r\n`)
    const more = this.#h1.sendBytes(bytes, start, end)
    this.#h1.send('\r\n')
    return more
  }

  /** Sends what was gathered. */
  flushDownstream(): boolean {
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
    this.touch()
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
  get durationMs(): number {
    return this.context.runtime.clock.nowMs() - this.startMs
  }
  get startWallMs(): number {
    return this.context.runtime.clock.wallMs() - this.durationMs
  }
  get upstream(): UpstreamFacts | undefined {
    return this.#forwarding?.facts() ?? this.#tunnel?.facts()
  }
  get attempts(): number {
    return this.#forwarding?.attempts ?? 0
  }
  get virtualHost(): string | undefined {
    return this.#decision?.host?.name
  }
  get protocol(): string {
    return this.head.head.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0'
  }
  get method(): string {
    return this.head.methodText
  }
  get path(): string {
    return this.head.rawPath
  }
  get authority(): string {
    return this.head.authorityText
  }
  get grpcStatus(): string | undefined {
    return this.#isGrpc() ? (this.responseHead?.value('grpc-status') ?? '') : undefined
  }
  get suppressEnvoyHeaders(): boolean {
    const router = this.manager.httpFilters.at(-1)
    return router?.kind === 'router' && router.suppressEnvoyHeaders
  }
  get attemptCountInResponse(): boolean {
    return this.#decision?.host?.includeAttemptCountInResponse === true
  }

  requestHeader(name: string): string | undefined {
    return this.head.head.value(name)
  }

  responseHeader(name: string): string | undefined {
    return this.responseHead?.value(name)
  }

  #expect(h1: H1Head): void {
    if (h1.minor === 0 || h1.value('expect')?.toLowerCase() !== '100-continue') return
    dropKind(h1, HeaderKind.EXPECT)
    if (this.body.complete) return
    this.#h1.send('HTTP/1.1 100 Continue\r\n\r\n')
    this.#h1.flush()
  }

  /** Chooses route and cluster: filters may ask for them. */
  #decide(): void {
    const { routes } = this.manager
    const routeConfig = routes.kind === 'inline' ? routes.config : this.config.routeConfigs.get(routes.name)
    if (routeConfig === undefined) return
    const decision = decideRoute(routeConfig, this)
    this.#decision = decision
    if (decision.kind !== 'route') return
    this.route = decision.route
    const { action } = decision.route
    const choice = action.kind === 'route' ? chooseCluster(action, this) : undefined
    if (choice?.kind === 'cluster') this.clusterName = choice.name
    else this.#choiceFailed = choice !== undefined
    const leg = choice?.kind === 'cluster' ? choice.leg : undefined
    this.plan = routePlan(routeConfig, decision.host, decision.route, leg)
  }

  /** The router: the end of every chain. */
  #route(): void {
    const decision = this.#decision
    if (decision === undefined) return this.fail(exchangeErrors.noRouteConfig)
    if (decision.kind === 'none') {
      return this.fail(decision.reason === 'no-route' ? exchangeErrors.noRoute : exchangeErrors.noVirtualHost)
    }
    if (decision.kind === 'tls-redirect') return this.#redirect(301, decision.location)
    const { action } = decision.route
    switch (action.kind) {
      case 'route':
        return this.#forward(action)
      case 'redirect': {
        const { status, location } = redirectResponse(action, decision.route, this.head)
        return this.#redirect(status, location)
      }
      case 'direct': {
        const body = Array.from(action.body, (byte) => String.fromCharCode(byte)).join('')
        return this.reply({ status: action.status, details: 'direct_response', body, headers: this.#ownHeaders() })
      }
      case 'non-forwarding':
        return this.fail(exchangeErrors.noRoute)
    }
  }

  #redirect(status: number, location: string): void {
    const line = `location: ${headerSafe(location)}\r\n`
    this.reply({ status, details: 'direct_response', headers: line + this.#ownHeaders() })
  }

  /** What the route's header rules add to an answer of our own, as lines. */
  #ownHeaders(): string {
    let lines = ''
    const add = (name: string, value: string): void => {
      lines += `${name}: ${headerSafe(value)}\r\n`
    }
    const target = { has: () => false, add, set: add, remove: () => {} }
    editHeaders('response', this.plan?.responseLevels ?? [], target, (operator) => readOperator(operator, this))
    return lines
  }

  #forward(action: RouteAction): void {
    if (this.#choiceFailed) return this.#noCluster(action)
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

  #isGrpc(): boolean {
    return this.method === 'POST' && this.requestHeader('content-type')?.startsWith('application/grpc') === true
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
    this.#home.sink.onExchange(this)
    if (this.#hooks !== undefined) for (const hook of this.#hooks) hook()
  }
}
