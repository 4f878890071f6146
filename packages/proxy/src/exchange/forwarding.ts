import type { Buffer } from 'node:buffer'
import {
  type AttemptOutcome,
  backOffMs,
  type EffectiveTimeouts,
  type Endpoint,
  type InternalRedirects,
  isIdempotent,
  namedEndpoint,
  type RequestHash,
  RetryPriorities,
  requestHash,
  type RouteAction,
} from '@weft/engine'
import { addHeader, dropKind } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { BodyExtent, ResponseFailure, UpstreamStream } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { PoolFailure, PoolWaiter } from '../pool/pool.ts'
import { type AttemptLimit, type AttemptLimits, attemptLimits } from './attempt-limits.ts'
import { cutErrors, type ErrorEntry, exchangeErrors, limitErrors, transportFailureText } from './error-table.ts'
import type { Exchange } from './exchange.ts'
import { internalRedirect, type Redirected } from './internal-redirects.ts'
import { ignoresWebSocket } from './ignores-web-socket.ts'
import { mayBeRetriable } from './may-be-retriable.ts'
import { Attempts } from './attempts.ts'
import { Hedges, type Hedging } from './hedges.ts'
import { outcomeOf } from './repeating.ts'
import { editResponse } from './response-writer.ts'
import { limitsOf } from './route-plan.ts'
import { UpstreamRequest } from './upstream-request.ts'

const noKeys: string[] = []

/** So many stale connections in a row are believed to be stale; more is the upstream's doing. */
const maxStale = 3
/** The body of an answer that will be repeated is read to its end up to this size, to keep the connection. */
const discardLimitBytes = 64 * 1024

/** The router's work on one exchange: attempts, one after the other unless it hedges, until one is passed on or none is left. */
export class Forwarding extends Attempts implements Hedging, PoolWaiter {
  readonly timeouts: EffectiveTimeouts
  readonly request: UpstreamRequest
  protected readonly limits: AttemptLimits | undefined
  protected readonly hedges: Hedges | undefined
  /** Keys of endpoints that earlier attempts went to. */
  #tried: string[] = noKeys
  #stale = 0
  /** The answer that opens a tunnel. */
  #opening: MessageHead | undefined = undefined
  readonly #hash: RequestHash | undefined
  /** Made with the first retry that is to keep away from priorities. */
  #priorities: RetryPriorities | undefined = undefined
  /** The request as it goes on elsewhere, once the answer that says so has ended. */
  #redirected: Redirected | undefined = undefined

  constructor(exchange: Exchange, living: UpstreamCluster, action: RouteAction) {
    const { timeouts, retryPolicy } = limitsOf(exchange, action)
    super(exchange, living, retryPolicy, action.internalRedirects)
    this.timeouts = timeouts
    this.request = new UpstreamRequest(exchange, timeouts)
    this.#hash = action.hashPolicy.length === 0 ? undefined : requestHash(action.hashPolicy, this.request.balanced)
    this.limits = attemptLimits(this, exchange.context.deadlines, timeouts, living.cluster.http.maxStreamDurationMs)
    this.hedges = timeouts.hedges ? new Hedges(this, living, exchange.context) : undefined
  }

  get http2(): boolean {
    return this.exchange.protocol === 'HTTP/2'
  }

  /** True while a connection takes the request's bytes. */
  get ready(): boolean {
    return this.stream !== undefined && this.discarding < 0 && !this.exchange.switches
  }

  /** Begins the next attempt; calls back once it has an endpoint. */
  attempt(onPicked?: () => void): void {
    const exchange = this.exchange
    if (++exchange.attempts === 1 && exchange.body.complete && !exchange.switches) this.limits?.onRequest()
    if (this.endpoint !== undefined) this.#remember(this.endpoint)
    const { avoidPreviousHosts, hostSelectionMaxAttempts } = this.policy
    const tried = avoidPreviousHosts ? this.#tried : noKeys
    const { wanted, dynamicHost } = exchange
    // As in Envoy: what is repeated may go elsewhere.
    const picked =
      (wanted === undefined || this.retries > 0 ? undefined : this.living.pickWanted(wanted)) ??
      (dynamicHost === undefined
        ? this.living.pick(tried, hostSelectionMaxAttempts, this.#hash?.hash, this.#priorities)
        : this.living.pickHost(dynamicHost))
    if (picked.kind === 'shed') return this.#giveUp(exchangeErrors.overflow)
    if (picked.kind !== 'picked') return this.#giveUp(exchangeErrors.noHealthyUpstream)
    onPicked?.()
    const { autoNames } = this.living.cluster.http
    const endpoint =
      autoNames === undefined
        ? picked.endpoint
        : namedEndpoint(picked.endpoint, autoNames, exchange.head, this.request.authorityAt(picked.endpoint.hostname))
    this.endpoint = endpoint
    this.active = this.living.beginRequest(endpoint)
    const idle = this.living.takeIdle(endpoint, this.http2)
    if (idle !== undefined) return this.onStream(idle)
    this.cancelWait = this.living.connect(endpoint, this)
  }

  /** A try at this endpoint is over. */
  #remember(endpoint: Endpoint): void {
    this.#tried = [...this.#tried, endpoint.key]
    const { triesPerPriority } = this.policy
    if (triesPerPriority === undefined) return
    this.#priorities ??= new RetryPriorities(triesPerPriority)
    this.#priorities.tried(this.living.priorityOf(endpoint))
  }

  onStream(stream: UpstreamStream): void {
    this.cancelWait = undefined
    if (this.living.observesConnections) this.living.observe(this.endpoint as Endpoint, 'connected')
    // As Envoy: a request too many is told so once there is a connection that will not carry it.
    if (this.active === undefined) {
      stream.abandon()
      return this.#failed({ kind: 'overflow' }, exchangeErrors.overflow)
    }
    this.stream = stream
    this.streams++
    this.limits?.onStream()
    this.transport = stream.transport
    const exchange = this.exchange
    this.sentMs = exchange.context.runtime.clock.nowMs()
    stream.begin(
      this.hedges?.receiver() ?? this,
      this.request.prepare(exchange.attempts, (this.endpoint as Endpoint).hostname),
    )
    if (!exchange.switches) this.#sendKept(stream)
    // A request that is whole waits for nothing: in HTTP/1.1 it would only make room in the output for the next one's.
    if (!exchange.reading || (exchange.body.complete && !exchange.switches)) stream.flush()
  }

  #sendKept(stream: UpstreamStream): void {
    const exchange = this.exchange
    const { body } = exchange
    for (const piece of body.pieces) stream.sendBytes(piece, 0, piece.length)
    body.taken(this.keepsBody)
    if (body.complete) stream.end(body.trailers)
    else exchange.resumeRequest()
    if (body.complete) this.limits?.onSent()
  }

  onPoolFailure(failure: PoolFailure): void {
    this.cancelWait = undefined
    if (failure.kind === 'overflow') return this.#failed({ kind: 'overflow' }, exchangeErrors.overflow)
    this.transportFailure = transportFailureText(failure.close, failure.timedOut)
    const error = failure.timedOut ? exchangeErrors.connectTimeout : exchangeErrors.connectFailure
    this.#failed({ kind: 'connect-failure' }, error)
  }

  /** Sends a piece of the request's body. False: wait. */
  sendBody(bytes: Buffer, start: number, end: number): boolean {
    const more = (this.stream as UpstreamStream).sendBytes(bytes, start, end)
    this.exchange.body.taken(this.keepsBody)
    return more
  }

  /** The request's body is complete. */
  endBody(): void {
    this.limits?.onRequest()
    if (!this.ready) return
    ;(this.stream as UpstreamStream).end(this.exchange.body.trailers)
    this.limits?.onSent()
  }

  flush(): void {
    if (this.stream !== undefined && !this.stream.flush()) this.exchange.pauseRequest()
  }

  /** The downstream takes bytes again. */
  resume(): void {
    this.stream?.resumeResponse()
  }

  onInformational(head: MessageHead): void {
    this.limits?.onByte()
    this.hedges?.end()
    const exchange = this.exchange
    // To Envoy the answer has started with it. Whoever expected it has it from us already.
    this.informed = true
    if (head.status === 100 && !exchange.manager.proxy100Continue) return
    exchange.inform(head)
  }

  onHead(head: MessageHead, body: BodyExtent): void {
    const exchange = this.exchange
    this.limits?.onHead()
    if (this.living.observes) this.living.observe(this.endpoint as Endpoint, head)
    if (mayBeRetriable(this.policy, head) && this.#repeatResponse(head, body)) return
    if (this.redirects?.statuses.has(head.status) === true && this.#follow(this.redirects, head, body)) return
    this.hedges?.end()
    exchange.upstreamServiceMs = exchange.context.runtime.clock.nowMs() - this.sentMs
    exchange.status = head.status
    exchange.details = 'via_upstream'
    exchange.responseHead = head
    editResponse(exchange, head)
    if (this.#hash !== undefined) for (const cookie of this.#hash.cookies) addHeader(head, 'set-cookie', cookie)
    if (exchange.switches && this.#switched(head)) return
    if (ignoresWebSocket(exchange, head)) return this.#respondBare(head)
    exchange.respond(head, exchange.method === 'HEAD' ? 'none' : body)
  }

  /** True when the request goes on elsewhere, as the answer says. */
  #follow(redirects: InternalRedirects, head: MessageHead, body: BodyExtent): boolean {
    const redirected = internalRedirect(this.exchange, redirects, head)
    if (redirected === undefined) return false
    if (body === 'none') {
      // The answer's end comes next, and with it its connection is free again.
      this.hedges?.end()
      this.#redirected = redirected
      return true
    }
    this.abandon()
    this.exchange.redirect(redirected)
    return true
  }

  /** True when the upstream agreed to a switch: it happens when all of this read was told. Else the request was it. */
  #switched(head: MessageHead): boolean {
    const exchange = this.exchange
    const { upgrade } = exchange.head
    const agreed = head.status < 300 && (head.status >= 200 || head.status === 101)
    // A server that answers an HTTP/1.1 upgrade with 200 has ignored it.
    // What would have come behind the request's head is not for this connection: it ends with the answer.
    if (!agreed || (upgrade !== undefined && head.status !== 101 && head.protocol !== 'HTTP/2')) return false
    dropKind(head, HeaderKind.CONTENT_LENGTH)
    if (upgrade !== undefined) head.status = 101
    // What comes behind the head is the tunnel's.
    this.stream?.pauseResponse()
    this.#opening = head
    return true
  }

  /** The head alone is the answer. */
  #respondBare(head: MessageHead): void {
    const exchange = this.exchange
    exchange.details = 'websocket_handshake_unsuccessful'
    dropKind(head, HeaderKind.CONTENT_LENGTH)
    exchange.respond(head, 'none')
    this.stream?.abandon()
    this.settle()
    exchange.endResponse(undefined)
  }

  #open(head: MessageHead): void {
    const stream = this.stream as UpstreamStream
    this.#opening = undefined
    this.limits?.onTunnel()
    const wire = head.protocol === 'HTTP/2' ? 'stream' : 'http1'
    this.exchange.openTunnel(head, { ...stream.tunnel(), wire }, () => {
      stream.abandon()
      this.settle()
    })
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.discarding >= 0) {
      this.discarding += end - start
      if (this.discarding > discardLimitBytes) this.#retryNow(true)
      return
    }
    if (!this.exchange.sendBody(bytes, start, end)) this.stream?.pauseResponse()
  }

  onEnd(trailers: MessageHead | undefined): void {
    if (this.discarding >= 0) return this.#retryNow(false)
    this.settle()
    if (this.#redirected !== undefined) return this.exchange.redirect(this.#redirected)
    this.exchange.endResponse(trailers)
  }

  onFlush(): void {
    if (this.#opening !== undefined) return this.#open(this.#opening)
    this.limits?.onByte()
    if (!this.exchange.flushDownstream()) this.stream?.pauseResponse()
  }

  onWritable(): void {
    this.exchange.resumeRequest()
  }

  onFailure({ kind, silent, detail }: ResponseFailure): void {
    const { reused, wrote } = this.stream as UpstreamStream
    this.stream = undefined
    if (this.exchange.responseStarted) return this.#cut(cutErrors[kind])
    if (kind === 'protocol') {
      this.transportFailure = detail
      return this.#failed({ kind: 'reset', requestStarted: wrote }, exchangeErrors.upstreamProtocol)
    }
    // The server said that it has not looked at it, whatever the method.
    if (kind === 'refused') return this.#failed({ kind: 'refused-stream' }, exchangeErrors.refusedStream)
    if (kind === 'reset') return this.#failed({ kind: 'reset', requestStarted: wrote }, exchangeErrors.remoteReset)
    // A kept connection that dies without a word was most likely closed while our request was on its way (RFC 9112 9.3.1):
    // where a route retries at all, that is no attempt.
    const safe = isIdempotent(this.exchange.method) || !wrote
    if (silent && reused && safe && this.declared && this.exchange.body.replayable && ++this.#stale <= maxStale) {
      this.endAttempt()
      this.endpoint = undefined
      this.exchange.attempts--
      return this.attempt()
    }
    // The mesh's default: a route that retries at all repeats idempotent requests whose connection broke before a word.
    this.endRetry()
    if (silent && safe && this.mayRepeat && (this.retrying = this.living.beginRetry())) {
      this.endAttempt()
      return this.scheduleRetry(backOffMs(this.policy, this.retries, this.exchange.context.random.float()))
    }
    this.#failed({ kind: 'reset', requestStarted: wrote }, exchangeErrors.connectionTermination)
  }

  onLimit(limit: AttemptLimit): void {
    const { body, responseStarted } = this.exchange
    if (limit === 'whole') {
      // Who was too slow has been told so already.
      if (this.hedges?.inTime !== false || responseStarted) this.missed()
      return this.#fail(exchangeErrors.responseTimeout)
    }
    if (limit !== 'stream' && this.hedges !== undefined && !responseStarted && this.discarding < 0) {
      return this.hedge(this.hedges)
    }
    // A request that is not whole took too long itself.
    const error = limit === 'stream' && !body.complete ? { ...limitErrors[limit], status: 408 } : limitErrors[limit]
    this.stream?.abandon()
    this.stream = undefined
    if (responseStarted) return this.#fail(error)
    this.#failed({ kind: 'per-try-timeout' }, error)
  }

  /** Decides about a failed attempt: another one, or the error. */
  #failed(outcome: AttemptOutcome, error: ErrorEntry): void {
    if (outcome.kind !== 'overflow') this.missed()
    this.endAttempt()
    const afterMs = this.retryAfterMs(outcome)
    if (afterMs === undefined) return this.#giveUp(error)
    this.scheduleRetry(afterMs)
  }

  /** True when an answer is thrown away because another attempt may do better. */
  #repeatResponse(head: MessageHead, body: BodyExtent): boolean {
    const afterMs = this.retryAfterMs(outcomeOf(head))
    if (afterMs === undefined) {
      if (this.hedges?.waiting !== true || !this.isBad(head)) return false
      this.endAttempt()
      return true
    }
    // Reading on keeps an HTTP/1.1 connection, unless its end is the body's; a stream of many is simply cut off.
    if (body !== 'unknown' || head.has(HeaderKind.TRANSFER_ENCODING)) {
      this.discarding = 0
      this.#discardedAfterMs = afterMs
      return true
    }
    this.endAttempt()
    this.scheduleRetry(afterMs)
    return true
  }

  #discardedAfterMs = 0

  #retryNow(abandon: boolean): void {
    this.discarding = -1
    if (!abandon) this.stream = undefined
    this.endAttempt()
    this.scheduleRetry(this.#discardedAfterMs)
  }

  #cut(error: ErrorEntry): void {
    this.missed()
    this.#fail(error)
  }

  /** Nothing more is tried; a try that was set aside may still answer. */
  #giveUp(error: ErrorEntry): void {
    if (this.hedges?.waiting !== true) this.#fail(error)
  }

  #fail(error: ErrorEntry): void {
    // As in Envoy, our answer speaks of the request as it would have gone on.
    if (this.exchange.rewritten === undefined) this.request.prepare(this.exchange.attempts, '')
    const reason = error.flag === 'UF' || error.flag === 'UPE' ? this.transportFailure : undefined
    this.exchange.fail(this.retries > 0 || this.informed ? this.inDetail(error) : error, reason)
  }
}
