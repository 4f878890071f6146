import { Buffer } from 'node:buffer'
import type { HttpConnectionManager, RouteAction } from '@weft/engine'
import { HeaderKind } from '../codec/header-kind.ts'
import type { BodyExtent, DownstreamStream, RequestReceiver } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import { type FilterPipe, filterPipe } from '../filters/filter-pipe.ts'
import type { RunnableFilter } from '../filters/http-filter.ts'
import type { UpstreamFacts } from '../telemetry/exchange-record.ts'
import { ConnectTunnel } from './connect-tunnel.ts'
import { Deadline, type DeadlineOwner } from './deadline-lists.ts'
import { deadlineExceeded, type ErrorEntry, exchangeErrors } from './error-table.ts'
import { ExchangeFacts } from './exchange-facts.ts'
import type { ExchangeHome, Predecessor } from './exchange-home.ts'
import { Forwarding } from './forwarding.ts'
import { meetExpectation } from './expectation.ts'
import { GrpcMessages } from './grpc-messages.ts'
import type { Redirected } from './internal-redirects.ts'
import { editRequest } from './edit-request.ts'
import { type Mirrors, startMirrors } from './mirrors.ts'
import { bareHead, type LocalReply, replyMessage, replyOf } from './local-reply.ts'
import { RedirectedStream } from './redirected-stream.ts'
import { extentOf, keptForRepetition, RequestBody } from './request-body.ts'
import { addOwnHeaders } from './response-writer.ts'
import { filtersOf } from './route-plan.ts'
import { decideRouting, maySwitch, routerOutcome, withRouteHeaders } from './routing.ts'
import { Tunnel, type TunnelEnd } from './tunnel.ts'
import { upstreamClusterOf } from './upstream-cluster-of.ts'

const noFilters: readonly RunnableFilter[] = []

/**
 * One request and its answer: filters, routing, then forwarding or an answer of our own. It keeps the configuration it
 * began with, and is itself what decisions look at and what telemetry is told, so that neither needs objects made.
 */
export class Exchange extends ExchangeFacts implements RequestReceiver, DeadlineOwner {
  readonly body: RequestBody
  readonly #home: ExchangeHome
  readonly #stream: DownstreamStream
  readonly #idle: Deadline = new Deadline(this)
  /** For the request to arrive. */
  #arrival: Deadline | undefined = undefined
  /** For the whole exchange. */
  #limit: Deadline | undefined = undefined
  #idleMs: number
  #limitMs = 0
  #filters: readonly RunnableFilter[] = noFilters
  #nextFilter = 0
  /** Some of the request's body came with the present read. */
  #moved = false
  #forwarding: Forwarding | undefined = undefined
  #connect: ConnectTunnel | undefined = undefined
  #mirrors: Mirrors | undefined = undefined
  #tunnel: Tunnel | undefined = undefined
  /** Filters that want more than the request's head. */
  #pipe: FilterPipe | undefined = undefined
  /** Whether the downstream took all of the present piece of the answer. */
  #took = true
  #hooks: (() => void)[] | undefined = undefined

  constructor(home: ExchangeHome, stream: DownstreamStream, manager: HttpConnectionManager, before?: Predecessor) {
    super(home, manager, stream.head, before)
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
      this.#arrival = new Deadline(this)
      this.context.deadlines.arm(this.#arrival, manager.timeouts.requestMs)
    }
    if (this.protocol === 'HTTP/1.0' && !manager.http1.acceptHttp10) return this.fail(exchangeErrors.httpVersion10)
    const problem = head.read(manager)
    if (problem?.kind === 'error') return this.fail(problem.error)
    if (problem !== undefined) {
      return this.reply({ status: 307, details: 'path_normalization_failed', headers: ['location', problem.location] })
    }
    if (head.head.has(HeaderKind.EXPECT) && meetExpectation(head.head, manager)) this.inform(bareHead(100))
    this.identify(this.#home)
    this.routing = decideRouting(this.config, manager, this)
    if (this.switches && !maySwitch(head.upgrade, this.route, manager)) return this.fail(exchangeErrors.upgradeRefused)
    const { filters, streams } = filtersOf(this.plan, manager)
    this.#filters = filters
    if (streams) {
      this.#pipe = filterPipe(
        this,
        filters,
        (bytes, start, end) => this.#take(bytes, start, end),
        (bytes, start, end) => void (this.#took = this.#send(bytes, start, end) && this.#took),
      )
    }
    this.continueRequest()
  }

  /** Runs the filters that have not run, then forwards. Filters that stopped the request call it to go on. */
  continueRequest(): void {
    const filters = this.#filters
    while (this.#nextFilter < filters.length) {
      if (this.done) return
      const place = this.#nextFilter++
      const { filter, kind, override } = filters[place] as (typeof filters)[number]
      if (kind.onRequestHead?.(this, filter, override) === 'stop') return
      if (this.#pipe?.at(place)?.onRequestHead?.() === 'stop') return
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
    this.reply(replyOf(error, reason, !this.suppressEnvoyHeaders))
  }

  /** Answers by ourselves. */
  reply(reply: LocalReply): void {
    if (this.done) return
    if (reply.flag !== undefined) this.flag(reply.flag)
    this.details = reply.details
    this.#forwarding?.abandon()
    if (this.responseStarted || reply.status === 0) return this.#cut()
    const { manager } = this
    const { head, body } = replyMessage(withRouteHeaders(reply, this), {
      date: this.context.date.value(),
      server: manager.serverHeader === 'pass-through' ? undefined : manager.serverName,
      isHead: this.method === 'HEAD',
      isGrpc: this.isGrpc,
      keepsStatus: this.keepsStatus,
    })
    this.responseHead = head
    this.status = head.status
    if (reply.asIs !== true) this.editedAnswer(head)
    this.#respond(head, body === '' ? 'none' : 'length', reply.close !== true)
    if (body !== '') this.sendBody(Buffer.from(body, 'latin1'), 0, body.length)
    this.endResponse(undefined)
  }

  /** Sends the head of an upstream's answer. */
  respond(head: MessageHead, body: BodyExtent): void {
    addOwnHeaders(this, head)
    this.editedAnswer(head)
    this.#respond(head, body, true)
  }

  #respond(head: MessageHead, body: BodyExtent, keepAlive: boolean): void {
    this.responseStarted = true
    this.#pipe?.responseHead(head, body === 'none')
    const extent = this.#pipe === undefined ? body : extentOf(head, body)
    this.#stream.respond(head, extent, keepAlive && this.#home.keepsAlive())
  }

  /** Passes on an informational answer. */
  inform(head: MessageHead): void {
    if (this.responseStarted) return
    this.#stream.inform(head)
    this.#stream.flush()
  }

  /** Sends a piece of the answer's body. False: wait for `Forwarding.resume`. */
  sendBody(bytes: Buffer, start: number, end: number): boolean {
    this.messages?.response(bytes, start, end)
    if (this.#pipe === undefined) return this.#send(bytes, start, end)
    this.#took = true
    this.#pipe.responseData(bytes, start, end)
    return this.#took
  }

  #send(bytes: Buffer, start: number, end: number): boolean {
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
    this.#finish(this.#pipe === undefined ? trailers : this.#pipe.responseEnd(trailers))
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
    if (this.#pipe === undefined) this.#take(bytes, start, end)
    else this.#pipe.requestData(bytes, start, end)
  }

  /** Forwards a piece of the request's body, or keeps it until there is an upstream. */
  #take(bytes: Buffer, start: number, end: number): void {
    this.#mirrors?.data(bytes, start, end)
    this.messages?.request(bytes, start, end)
    const forwarding = this.#forwarding
    const ready = forwarding?.ready === true
    if (!ready || forwarding.keepsBody) this.body.keep(bytes, start, end)
    if (ready) {
      if (!forwarding.sendBody(bytes, start, end)) this.#stream.pauseRequest()
    } else if (this.body.full) this.#stream.pauseRequest()
  }

  onEnd(trailers: MessageHead | undefined): void {
    if (this.done) return
    this.body.trailers = this.#pipe === undefined ? trailers : this.#pipe.requestEnd(trailers)
    if (this.done) return
    this.body.complete = true
    this.#mirrors?.end(this.body.trailers)
    if (this.#arrival !== undefined) this.context.deadlines.disarm(this.#arrival)
    this.#forwarding?.endBody()
  }

  onFlush(): void {
    if (this.#moved) {
      this.#moved = false
      this.touch()
    }
    if (this.#connect !== undefined) this.#connect.start()
    else this.#forwarding?.flush()
  }

  onAhead(bytes: number): void {
    this.bytesReceived += bytes
  }

  onWritable(): void {
    this.#forwarding?.resume()
  }

  onBodyFault(details: string): void {
    this.fail({ ...exchangeErrors.downstreamBodyFault, details })
  }

  onGone(_detail: string, how: 'closed' | 'reset' | 'protocol' = 'closed'): void {
    if (this.done) return
    if (how === 'protocol') this.fail(exchangeErrors.downstreamFault)
    else this.fail(how === 'reset' ? exchangeErrors.downstreamReset : exchangeErrors.downstreamGone)
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#arrival) return this.fail(exchangeErrors.requestTimeout)
    const idle = deadline === this.#idle
    const reply = replyOf(idle ? exchangeErrors.streamIdle : exchangeErrors.maxDuration)
    // Once the request is here, it is the answer that takes too long, and the connection is as good as before.
    const late = this.body.complete ? { ...reply, status: 504, close: false } : reply
    this.reply(idle || !this.isGrpc ? late : { ...late, grpcStatus: deadlineExceeded })
  }

  /** The tunnel is over; the connection is the tunnel's, and is gone. */
  endTunnel(): void {
    if (this.done) return
    this.#report()
    this.#home.onTunnelClosed()
  }

  /** A CONNECT that ends here: from now on it is a connection of bytes, and counted as one. */
  becomeTunnel(upstream: UpstreamFacts): void {
    this.tunnelled = true
    this.#home.sink.onTcpOpened({ downstream: this.connection, downstreamPeer: this.downstreamPeer, upstream }, this)
  }

  /** As a connection of bytes: what it has carried so far. */
  count(): void {
    this.#tunnel?.count()
  }

  /** Answers with `head` and joins the stream with an upstream: the exchange carries bytes from now on. */
  openTunnel(head: MessageHead, upstream: TunnelEnd, onOver: () => void): void {
    const { deadlines } = this.context
    deadlines.disarm(this.#idle)
    if (this.#limit !== undefined) deadlines.disarm(this.#limit)
    this.responseStarted = true
    this.status = head.status
    this.responseHead = head
    addOwnHeaders(this, head)
    this.editedAnswer(head)
    this.#stream.respond(head, 'none', true)
    const wire = this.protocol === 'HTTP/2' ? 'stream' : 'http1'
    const ends = { downstream: { ...this.#stream.tunnel(), wire }, upstream } as const
    this.#tunnel = new Tunnel(this, ends, { idleTimeoutMs: this.#idleMs, maxDurationMs: this.#limitMs }, onOver)
  }

  /** The answer sends the request elsewhere, and another exchange goes on with it. */
  redirect({ answer, head, body, redirects }: Redirected): void {
    const { startMs, bytesReceived, trustedAddress, requestId } = this
    this.status = answer.status
    this.responseHead = answer
    this.details = 'internal_redirect'
    this.#report()
    const stream = new RedirectedStream(this.#stream, head, body)
    const next = this.#home.goOn(stream, { startMs, bytesReceived, trustedAddress, requestId, redirects })
    next.begin()
    stream.tell(next, this.body.pieces)
  }

  /** Ends the connection, tunnel or not. */
  destroy(): void {
    if (this.#tunnel !== undefined) this.#tunnel.destroy()
    this.fail(exchangeErrors.downstreamGone)
  }

  get upstream(): UpstreamFacts | undefined {
    return this.#forwarding ?? this.#connect?.facts()
  }

  /** The router: the end of every chain. */
  #route(): void {
    const outcome = routerOutcome(this.routing, this)
    if ('kind' in outcome) this.#forward(outcome)
    else this.reply(outcome)
  }

  #forward(action: RouteAction): void {
    const cluster = upstreamClusterOf(this)
    if (cluster === undefined) {
      return this.fail({ ...exchangeErrors.noCluster, status: action.clusterNotFoundStatus })
    }
    if (this.#pipe !== undefined) this.body.extent = extentOf(this.head.head, this.body.extent)
    if (action.idleTimeoutMs !== undefined) this.#idleFor(action.idleTimeoutMs)
    if (this.method === 'CONNECT' && action.upgrades.get('connect')?.terminateConnect === true) {
      this.#connect = new ConnectTunnel(this, cluster, this.#home.accepted.peer)
      if (!this.reading) this.#connect.start()
      return
    }
    editRequest(this)
    if (!this.body.complete) this.body.repeatBytes = keptForRepetition(this.#home.accepted.listener(), this.plan)
    if (this.isGrpc) this.messages = new GrpcMessages(this, this.#home.sink)
    const forwarding = (this.#forwarding = new Forwarding(this, cluster, action))
    this.#limitMs = forwarding.timeouts.maxStreamDurationMs
    if (this.#limitMs > 0) {
      const leftMs = Math.max(1, this.#limitMs - Math.floor(this.durationMs))
      this.context.deadlines.arm((this.#limit = new Deadline(this)), leftMs)
    }
    if (action.mirrors.length === 0) return forwarding.attempt()
    forwarding.attempt(() => (this.#mirrors = startMirrors(this, action, forwarding)))
  }

  /** The route has an idle limit of its own. */
  #idleFor(limitMs: number): void {
    this.#idleMs = limitMs
    this.context.deadlines.arm(this.#idle, limitMs)
  }

  #cut(): void {
    this.#tunnel?.count()
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
    if (!this.body.complete) this.#mirrors?.abandon()
    this.context.deadlines.disarm(this.#idle)
    if (this.#arrival !== undefined) this.context.deadlines.disarm(this.#arrival)
    if (this.#limit !== undefined) this.context.deadlines.disarm(this.#limit)
    this.#home.sink.onExchange(this)
    this.context.routeCounters.count(this, this.routing.decision?.host)
    if (this.#hooks !== undefined) for (const hook of this.#hooks) hook()
  }
}
