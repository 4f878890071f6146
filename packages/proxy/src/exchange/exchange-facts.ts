import type { PeerIdentity } from '@weft/core'
import {
  type ActiveConfig,
  type ConnectionFacts,
  type DynamicHost,
  grpcStatusOf,
  type HttpConnectionManager,
  isGrpcType,
  type Rewritten,
  type Route,
  type Subject,
  type WantedEndpoint,
} from '@weft/engine'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { ExchangeRecord, ResponseFlag, UpstreamFacts } from '../telemetry/exchange-record.ts'
import type { GrpcMessages } from './grpc-messages.ts'
import type { ExchangeHome, Predecessor } from './exchange-home.ts'
import { applyForwarding } from './forwarding-headers.ts'
import { RequestView } from './request-view.ts'
import type { RoutePlan } from './route-plan.ts'
import { nowhere, type Routing } from './routing.ts'

/** Most requests have none, which needs no look at their lines. */
function hasContentType({ seen, added }: MessageHead): boolean {
  if ((seen & (1 << HeaderKind.CONTENT_TYPE)) !== 0) return true
  for (let at = 0; at < added.length; at += 2) if (added[at] === 'content-type') return true
  return false
}

function grpcStatusIn(head: MessageHead | undefined): string | undefined {
  return head?.valueOf(HeaderKind.GRPC_STATUS, 'grpc-status')
}

const noFlags: readonly ResponseFlag[] = []

/**
 * What is known of an exchange: the subject of decisions and the record for telemetry in one, so that neither needs
 * objects made for it.
 */
export abstract class ExchangeFacts implements Subject, ExchangeRecord {
  readonly context: ProxyContext
  /** The configuration it began with. */
  readonly config: ActiveConfig
  readonly manager: HttpConnectionManager
  readonly head: RequestView
  readonly connection: ConnectionFacts
  readonly downstreamPeer: PeerIdentity | undefined
  /** Set: it goes on with the request of another, which was sent elsewhere. */
  readonly before: Predecessor | undefined
  routing: Routing = nowhere
  trustedAddress: string | undefined = undefined
  requestId: string | undefined = undefined
  status = 0
  details = ''
  flags: readonly ResponseFlag[] = noFlags
  bytesReceived: number
  bytesSent = 0
  upstreamServiceMs: number | undefined = undefined
  responseHead: MessageHead | undefined = undefined
  /** The endpoint that its session asks for. */
  wanted: WantedEndpoint | undefined = undefined
  /** The host it names, whose address a filter has found: where a cluster of that kind sends it. */
  dynamicHost: DynamicHost | undefined = undefined
  responseTrailers: MessageHead | undefined = undefined
  tunnelled = false
  /** The answer's head is on its way: errors can only cut it off from now on. */
  responseStarted = false
  done = false
  /** gRPC-Web: answers of our own keep their status. */
  keepsStatus = false
  /** Counts the messages of a gRPC call from when it is sent on. */
  messages: GrpcMessages | undefined = undefined
  /** Attempts at upstreams so far. */
  attempts = 0
  /** On the monotonic clock. */
  readonly startMs: number
  /** Path and authority that the route sends in place of the client's: from then on they are what the request is. */
  rewritten: Rewritten | undefined
  #random = -1
  #answerEdit: ((head: MessageHead) => void) | undefined = undefined

  constructor(
    { context, accepted }: ExchangeHome,
    manager: HttpConnectionManager,
    head: MessageHead,
    before: Predecessor | undefined,
  ) {
    this.context = context
    this.config = context.config()
    this.manager = manager
    this.connection = accepted.facts
    this.downstreamPeer = accepted.peer
    this.head = new RequestView(head, accepted.facts.tls)
    this.before = before
    this.bytesReceived = before === undefined ? 0 : before.bytesReceived
    this.startMs = before === undefined ? context.runtime.clock.nowMs() : before.startMs
  }

  /** Learns who asks, from what hops in front have said; a request that was sent elsewhere says so no more. */
  protected identify({ accepted }: ExchangeHome): void {
    if (this.before === undefined) return applyForwarding(this, accepted, this.context.random)
    this.trustedAddress = this.before.trustedAddress
    this.requestId = this.before.requestId
  }

  /** Where the last attempt went. */
  abstract get upstream(): UpstreamFacts | undefined

  /** The stream's random value, drawn when first asked for. */
  get random(): number {
    if (this.#random < 0) this.#random = this.context.random.uint48()
    return this.#random
  }

  /** Remembers why the answer is not simply the upstream's. */
  flag(flag: ResponseFlag): void {
    if (!this.flags.includes(flag)) this.flags = [...this.flags, flag]
  }

  /** Changes the answer's head before it goes out, whoever gives it. */
  editAnswer(edit: (head: MessageHead) => void): void {
    const before = this.#answerEdit
    this.#answerEdit = before === undefined ? edit : (head) => (before(head), edit(head))
  }

  /** Applies what `editAnswer` was told. */
  protected editedAnswer(head: MessageHead): void {
    this.#answerEdit?.(head)
  }

  get downstream(): ConnectionFacts {
    return this.connection
  }
  get durationMs(): number {
    return this.context.runtime.clock.nowMs() - this.startMs
  }
  get startWallMs(): number {
    return this.context.runtime.clock.wallMs() - this.durationMs
  }
  get route(): Route | undefined {
    return this.routing.route
  }
  get plan(): RoutePlan | undefined {
    return this.routing.plan
  }
  get clusterName(): string | undefined {
    return this.routing.clusterName
  }
  get virtualHost(): string | undefined {
    return this.routing.decision?.host?.name
  }
  get protocol(): string {
    return this.head.head.protocol
  }
  get method(): string {
    return this.head.methodText
  }
  get path(): string {
    return this.rewritten?.path ?? (this.head.target || this.head.rawPath)
  }
  get authority(): string {
    return this.rewritten?.authority ?? this.head.authorityText
  }
  get isGrpc(): boolean {
    const { head } = this.head
    if (!hasContentType(head)) return false
    const at = head.find(HeaderKind.CONTENT_TYPE)
    return isGrpcType(at < 0 || head.isDropped(at) ? head.line('content-type', 0) : head.valueAt(at))
  }
  get grpcStatus(): string | undefined {
    if (!this.isGrpc) return undefined
    const said = grpcStatusIn(this.responseTrailers) ?? grpcStatusIn(this.responseHead)
    // An answer that is not gRPC says it by its HTTP status.
    return said ?? (this.status === 200 || this.status === 0 ? '' : String(grpcStatusOf(this.status)))
  }
  /** The client wants the stream to carry another protocol: CONNECT, or an upgrade. */
  get switches(): boolean {
    return this.head.upgrade !== undefined || this.method === 'CONNECT'
  }
  get suppressEnvoyHeaders(): boolean {
    const router = this.manager.httpFilters.at(-1)
    return router?.kind === 'router' && router.suppressEnvoyHeaders
  }
  get attemptCountInResponse(): boolean {
    return this.routing.decision?.host?.includeAttemptCountInResponse === true
  }

  /** The first line of it, as Envoy's %REQ% has it. */
  requestHeader(name: string): string | undefined {
    return this.head.head.line(name, 0)
  }

  responseHeader(name: string): string | undefined {
    return this.responseHead?.value(name)
  }

  responseTrailer(name: string): string | undefined {
    return this.responseTrailers?.value(name)
  }
}
