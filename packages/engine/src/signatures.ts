// Signatures of every decision, ahead of their code (this file goes away once each exists under its own name).
import type {
  Cluster,
  Endpoint,
  EndpointSet,
  Fault,
  FilterChain,
  FilterOverride,
  HeaderRules,
  HttpConnectionManager,
  HttpFilter,
  Listener,
  PathNormalization,
  RbacPolicies,
  RedirectAction,
  RetryPolicy,
  Route,
  RouteAction,
  RouteConfig,
  UpstreamTls,
  VirtualHost,
  WeightedCluster,
} from './model.ts'
import type { Recorder } from './prove/proof.ts'
import type { ConnectionFacts, RequestHead, Subject } from './request-head.ts'

/** `decide/` */
export interface Decide {
  matchFilterChain(listener: Listener, connection: ConnectionFacts, recorder?: Recorder): FilterChain | undefined
  matchVirtualHost(config: RouteConfig, authority: string, recorder?: Recorder): VirtualHost | undefined
  matchRoute(host: VirtualHost, subject: Subject, recorder?: Recorder): Route | undefined
  /** Both at once, with `require_tls`; what the router needs. */
  route(config: RouteConfig, subject: Subject, recorder?: Recorder): RouteDecision
  chooseCluster(action: RouteAction, subject: Subject, recorder?: Recorder): ClusterChoice
  /** `denied` names the policy (`none` for "no ALLOW policy matched"); shadow verdicts are for metrics and logs only. */
  authorize(
    rules: RbacPolicies | undefined,
    shadow: RbacPolicies | undefined,
    subject: Subject,
    recorder?: Recorder,
  ): RbacVerdict
  decideFault(fault: Fault, subject: Subject, draws: FaultDraws, cluster: string): FaultDecision
  /** Most specific first: weighted cluster, route, virtual host, route configuration. */
  filterOverride(
    name: string,
    config: RouteConfig,
    host: VirtualHost,
    route: Route,
    leg?: WeightedCluster,
  ): FilterOverride | undefined
  redirectResponse(
    action: RedirectAction,
    route: Route,
    head: RequestHead,
  ): { readonly status: number; readonly location: string }
  /** Path with query, and authority, as sent upstream. */
  rewriteRequest(
    route: Route,
    leg: WeightedCluster | undefined,
    head: RequestHead,
    endpointHostname: string,
  ): { readonly path: string; readonly authority: string }
  /** Edits in the order to apply them: weighted cluster, route, virtual host, configuration (or the reverse). */
  requestHeaderEdits(
    config: RouteConfig,
    host: VirtualHost,
    route: Route,
    leg?: WeightedCluster,
  ): readonly HeaderRules[]
  effectiveTimeouts(manager: HttpConnectionManager, action: RouteAction, head: RequestHead): EffectiveTimeouts
  normalizePath(rawPathAndQuery: string, how: PathNormalization): NormalizedPath
  transportSocketFor(cluster: Cluster, endpoint: Endpoint): UpstreamTls | undefined
}
export type RouteDecision =
  | { readonly kind: 'route'; readonly host: VirtualHost; readonly route: Route }
  | { readonly kind: 'tls-redirect'; readonly host: VirtualHost; readonly location: string }
  | { readonly kind: 'none'; readonly reason: 'no-virtual-host' | 'no-route'; readonly host: VirtualHost | undefined }
export type ClusterChoice =
  | { readonly kind: 'cluster'; readonly name: string; readonly leg: WeightedCluster | undefined }
  | { readonly kind: 'none'; readonly reason: string }
export interface RbacVerdict {
  readonly allowed: boolean
  readonly policy: string | undefined
  readonly shadow: { readonly allowed: boolean; readonly policy: string | undefined } | undefined
}
/** Draws in [0, 1). */
export interface FaultDraws {
  readonly delay: number
  readonly abort: number
}
export interface FaultDecision {
  readonly delayMs: number | undefined
  readonly abort: { readonly status: number; readonly grpcStatus: number | undefined } | undefined
}
export interface EffectiveTimeouts {
  readonly requestMs: number
  readonly perTryMs: number
  readonly idleMs: number
  readonly maxStreamDurationMs: number
}
export type NormalizedPath =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'reject' }
  | { readonly kind: 'redirect'; readonly location: string }

/** `reduce/`: load balancing. A picker is an immutable value made from endpoints, health and the cluster. */
export interface PickContext {
  readonly random: () => number // [0, 1)
  readonly activeRequests: (endpointKey: string) => number
  /** Endpoint keys already tried by this exchange. */
  readonly previous: readonly string[]
  readonly hash?: number
}
export type Pick =
  | { readonly kind: 'picked'; readonly endpoint: Endpoint; readonly panic: boolean }
  | { readonly kind: 'wait' } // endpoints not known yet
  | { readonly kind: 'shed' }
  | { readonly kind: 'none'; readonly reason: string }
export interface Picker {
  pick(context: PickContext): Pick
}
export interface Reduce {
  /** `ejected`: keys the outlier detector has ejected. `endpoints` undefined: not arrived yet -> `wait`. */
  makePicker(
    cluster: Cluster,
    endpoints: EndpointSet | undefined,
    ejected?: ReadonlySet<string>,
    previous?: Picker,
  ): Picker
  retryVerdict(plan: RetryState, event: AttemptOutcome, draws: { readonly jitter: number }): RetryVerdict
}
/** Per exchange. */
export interface RetryState {
  readonly policy: RetryPolicy
  /** Retries done so far. */
  readonly retries: number
  readonly head: RequestHead
  /** The policy is the user's own declaration (or the method is idempotent): may repeat a processed request. */
  readonly declared: boolean
}
export type AttemptOutcome =
  | { readonly kind: 'connect-failure' }
  | { readonly kind: 'refused-stream' }
  | { readonly kind: 'reset'; readonly headersReceived: boolean; readonly requestStarted: boolean }
  | { readonly kind: 'per-try-timeout' }
  | { readonly kind: 'response'; readonly status: number; readonly header: (name: string) => string | undefined }
export type RetryVerdict =
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'stop'; readonly reason: 'not-retriable' | 'limit' | 'not-idempotent' | 'request-headers' }

/** Used by tests of other packages to check that a filter list is known. */
export type KnownFilter = HttpFilter['kind']
