// Compiled route configurations: virtual hosts, routes and what they do.
import type { FilterOverride } from './model-filters.ts'
import type { FormatTemplate } from './model-format.ts'
import type { DescriptorRecipe } from './model-rate-limits.ts'
import type { Origins, ResourceInfo } from './model.ts'
import type { Regex, Rule } from './predicate.ts'
import type { Json } from './request-head.ts'

/** A compiled RouteConfiguration. */
export interface RouteConfig extends ResourceInfo {
  readonly virtualHosts: readonly VirtualHost[]
  /** Domain lookup, built once. */
  readonly domains: DomainIndex
  readonly headers: HeaderRules
  readonly mostSpecificHeaderMutationsWins: boolean
  readonly ignorePortInHostMatching: boolean
  readonly filterOverrides: FilterOverrides
  /** Every cluster name a route may choose (without `cluster_header`). */
  readonly clusterNames: readonly string[]
  /** RouteConfiguration.validate_clusters: refuse the configuration when a cluster is missing. */
  readonly validateClusters: boolean
  readonly maxDirectResponseBodyBytes: number
}

/** Virtual hosts by domain, in Envoy's order of search. */
export interface DomainIndex {
  readonly exact: ReadonlyMap<string, VirtualHost>
  /** `*.example.com` by suffix `.example.com`; `lengths` descending. */
  readonly suffix: { readonly lengths: readonly number[]; readonly hosts: ReadonlyMap<string, VirtualHost> }
  /** `www.*` by prefix `www.`; `lengths` descending. */
  readonly prefix: { readonly lengths: readonly number[]; readonly hosts: ReadonlyMap<string, VirtualHost> }
  readonly any: VirtualHost | undefined
}

/** A compiled VirtualHost. */
export interface VirtualHost {
  readonly name: string
  readonly origins: Origins
  readonly domains: readonly string[]
  readonly routes: readonly Route[]
  readonly requireTls: 'none' | 'external' | 'all'
  readonly headers: HeaderRules
  readonly filterOverrides: FilterOverrides
  readonly retryPolicy: RetryPolicy | undefined
  readonly includeRequestAttemptCount: boolean
  readonly includeAttemptCountInResponse: boolean
  readonly virtualClusters: readonly { readonly name: string; readonly rule: Rule }[]
}

/** A compiled Route. */
export interface Route {
  readonly name: string
  readonly index: number
  readonly origins: Origins
  /** The whole RouteMatch as one predicate. */
  readonly match: Rule
  /** The path condition alone: rewriting needs to know what it matched. */
  readonly pathMatch: PathMatch
  readonly action: RouteAction | RedirectAction | DirectResponse | { readonly kind: 'non-forwarding' }
  readonly headers: HeaderRules
  readonly filterOverrides: FilterOverrides
  /** `filter_metadata`, for `dynamic` consumers and logs. */
  readonly metadata: Readonly<Record<string, Json>>
  readonly decorator: string | undefined
  readonly statPrefix: string
  /** So much of a request's body is kept to repeat it; undefined: as much as the listener says. */
  readonly requestBufferLimitBytes: number | undefined
}

/** Which kind of path condition a route has, and what it was written with. */
export type PathMatch =
  | { readonly kind: 'prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'path'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'path-separated-prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'regex'; readonly regex: Regex }
  | { readonly kind: 'connect' }

/** Forwarding to a cluster. */
export interface RouteAction {
  readonly kind: 'route'
  readonly cluster:
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'header'; readonly header: string }
    | {
        readonly kind: 'weighted'
        readonly clusters: readonly WeightedCluster[]
        readonly totalWeight: number
        /** Draw from this header's decimal value instead of the stream's random value. */
        readonly randomHeader: string | undefined
      }
  readonly clusterNotFoundStatus: number
  readonly pathRewrite: PathRewrite | undefined
  readonly hostRewrite: HostRewrite | undefined
  readonly appendXForwardedHost: boolean
  /** Whole-request timeout; Envoy's default of 15 s is filled in; 0 = none. */
  readonly timeoutMs: number
  /** Overrides the manager's stream idle timeout; undefined: inherited; 0 = none. */
  readonly idleTimeoutMs: number | undefined
  readonly maxStreamDurationMs: number | undefined
  /** How `grpc-timeout` limits the stream in place of it; undefined: it does not. `mostMs` 0: as it is. */
  readonly grpcTimeout: { readonly mostMs: number; readonly offsetMs: number } | undefined
  /** How `grpc-timeout` takes the place of `timeoutMs` in gRPC calls; undefined: it does not. `mostMs` 0: as it is. */
  readonly grpcRequestTimeout: { readonly mostMs: number; readonly offsetMs: number } | undefined
  readonly retryPolicy: RetryPolicy | undefined
  /** The next try is sent beside one that takes longer than a try may. */
  readonly hedges: boolean
  /** Answers that send elsewhere and are followed by the proxy itself; undefined: none. */
  readonly internalRedirects: InternalRedirects | undefined
  readonly priority: 'default' | 'high'
  readonly hashPolicy: readonly HashPolicy[]
  /** Where copies of requests go; those of the virtual host or the configuration when the route has none. */
  readonly mirrors: readonly MirrorPolicy[]
  /** What is made of requests so that rate limits count them. */
  readonly rateLimits: readonly DescriptorRecipe[]
  /** Upgrade types enabled or disabled on this route, lower-case. `connect` with `terminate`: connect_config is set. */
  readonly upgrades: ReadonlyMap<string, { readonly enabled: boolean; readonly terminateConnect: boolean }>
}

/** One leg of a split. */
export interface WeightedCluster {
  readonly name: string
  readonly clusterHeader: string | undefined
  readonly weight: number
  readonly headers: HeaderRules
  readonly filterOverrides: FilterOverrides
  readonly hostRewrite: HostRewrite | undefined
}

/** Copies for one cluster. */
export interface MirrorPolicy {
  readonly cluster: { readonly name: string } | { readonly header: string }
  /** Share of the requests, by the stream's random value. */
  readonly numerator: number
  readonly denominator: number
  /** The copy's host says that it is one: `-shadow` is appended to its name. */
  readonly marksHost: boolean
}

/** Which answers that send a request elsewhere the proxy follows itself (Envoy's InternalRedirectPolicy). */
export interface InternalRedirects {
  /** A request that was sent elsewhere so often is sent no further. */
  readonly most: number
  readonly statuses: ReadonlySet<number>
  /** All must agree to where it would go. */
  readonly predicates: readonly RedirectPredicate[]
  /** A request by `http` may be sent to `https`, and the other way round. */
  readonly crossScheme: boolean
  /** Lower-case names of headers that the request takes from the answer: those the answer lacks it loses. */
  readonly copiedHeaders: readonly string[]
}

/** A condition on where a redirect leads. */
export type RedirectPredicate =
  /** From the route it is at, the request was not sent to that route before. */
  | { readonly kind: 'previous-routes' }
  | { readonly kind: 'allow-listed-routes'; readonly names: ReadonlySet<string> }
  /** Never from `http` to `https`. */
  | { readonly kind: 'safe-cross-scheme' }

/** Something of a request that is hashed. `terminal`: with it the hash is done, if there is one by then. */
export type HashPolicy = { readonly terminal: boolean } & (
  | {
      readonly kind: 'header'
      readonly name: string
      readonly rewrite: { readonly regex: Regex; readonly substitution: string } | undefined
    }
  | {
      readonly kind: 'cookie'
      readonly name: string
      /** The cookie for who has none; absent: none is made. `ttlMs` 0: for the session. */
      readonly made?: MadeCookie
    }
  | { readonly kind: 'source-ip' }
  | { readonly kind: 'query'; readonly name: string }
)

/** A cookie that answers set. */
export interface MadeCookie {
  readonly ttlMs: number
  readonly path: string
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
}

/** How the path changes on the way to the upstream. The query is kept. */
export type PathRewrite =
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly regex: Regex; readonly substitution: string }

/** How the authority changes on the way to the upstream. */
export type HostRewrite =
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'header'; readonly header: string }
  | { readonly kind: 'path-regex'; readonly regex: Regex; readonly substitution: string }
  /** The chosen endpoint's host name. */
  | { readonly kind: 'endpoint' }

/** A redirect answered by the proxy. */
export interface RedirectAction {
  readonly kind: 'redirect'
  readonly status: number
  readonly scheme: string | undefined
  readonly httpsRedirect: boolean
  readonly host: string | undefined
  readonly port: number | undefined
  readonly path:
    | { readonly kind: 'full'; readonly value: string }
    | { readonly kind: 'prefix'; readonly value: string }
    | { readonly kind: 'regex'; readonly regex: Regex; readonly substitution: string }
    | undefined
  readonly stripQuery: boolean
}

/** A fixed answer by the proxy. */
export interface DirectResponse {
  readonly kind: 'direct'
  readonly status: number
  readonly body: Uint8Array
}

/** Header changes of one level (route configuration, virtual host, route, weighted cluster). */
export interface HeaderRules {
  readonly requestAdd: readonly HeaderOption[]
  /** Lower-case names. */
  readonly requestRemove: readonly string[]
  readonly responseAdd: readonly HeaderOption[]
  readonly responseRemove: readonly string[]
}

/** HeaderValueOption. */
export interface HeaderOption {
  /** Lower-case. */
  readonly name: string
  /** As written, for codecs that keep case. */
  readonly writtenName: string
  readonly value: FormatTemplate
  readonly action: 'append-or-add' | 'add-if-absent' | 'overwrite-or-add' | 'overwrite-if-exists'
  readonly keepEmptyValue: boolean
}

/** Per-route settings of http filters, by filter name. */
export type FilterOverrides = ReadonlyMap<string, FilterOverride>

/** A retry policy, with Envoy's defaults filled in. */
export interface RetryPolicy {
  readonly retryOn: ReadonlySet<RetryOn>
  readonly numRetries: number
  /** 0: no limit per try. */
  readonly perTryTimeoutMs: number
  /** 0: none. */
  readonly perTryIdleTimeoutMs: number
  readonly retriableStatusCodes: ReadonlySet<number>
  /** One of these must match the response for `retriable-headers`. */
  readonly retriableHeaders: readonly Rule[]
  /** When not empty, one must match the request for any retry. */
  readonly retriableRequestHeaders: readonly Rule[]
  readonly backOff: { readonly baseMs: number; readonly maxMs: number }
  /** `envoy.retry_host_predicates.previous_hosts`. */
  readonly avoidPreviousHosts: boolean
  readonly hostSelectionMaxAttempts: number
  /** `envoy.retry_priorities.previous_priorities`: after so many tries others than theirs; undefined: any. */
  readonly triesPerPriority: number | undefined
}

/** Envoy's retry_on conditions, HTTP and gRPC. */
export type RetryOn =
  | '5xx'
  | 'gateway-error'
  | 'reset'
  | 'reset-before-request'
  | 'connect-failure'
  | 'envoy-ratelimited'
  | 'retriable-4xx'
  | 'refused-stream'
  | 'retriable-status-codes'
  | 'retriable-headers'
  | 'http3-post-connect-failure'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable'
