// Compiled clusters, and endpoints as current state.
import type { KeepAlive } from '@weft/core'
import type { Http2Options } from './model-http2.ts'
import type { DispensableSecret, UpstreamTls } from './model-transport.ts'
import type { ResourceInfo } from './model.ts'
import type { Json } from './request-head.ts'

/** A compiled `envoy.config.cluster.v3.Cluster`. */
export interface Cluster extends ResourceInfo {
  readonly discovery:
    | { readonly kind: 'eds'; readonly edsName: string }
    | { readonly kind: 'static'; readonly endpoints: EndpointSet }
    | { readonly kind: 'dns'; readonly logical: boolean; readonly endpoints: EndpointSet }
    /** `metadataKey`: the connection's metadata says where, at this namespace and path. */
    | { readonly kind: 'original-dst'; readonly metadataKey?: readonly string[] }
    /** Each request or connection names its host, whose address is looked up. */
    | { readonly kind: 'dynamic'; readonly cache: DnsCache }
  readonly connectTimeoutMs: number
  readonly balancer: Balancer
  readonly breakers: { readonly default: BreakerLimits; readonly high: BreakerLimits }
  readonly outlier: OutlierDetection | undefined
  /** Used when no `transportSocketMatches` entry fits the endpoint. Undefined: plaintext. */
  readonly tls: UpstreamTls | undefined
  /** Version of the PROXY protocol header in front of each connection (of TLS too); absent: none. */
  readonly proxyProtocol?: 1 | 2
  readonly passthrough?: readonly PassedMetadata[]
  /** First entry whose `match` is contained in the endpoint's `envoy.transport_socket_match` metadata wins. */
  readonly transportSocketMatches: readonly TransportSocketMatch[]
  readonly http: UpstreamHttp
  /** Percent; below it the panic threshold makes every endpoint eligible. 0 turns it off. */
  readonly panicThresholdPercent: number
  /** Localities of one priority share its traffic by their weights; otherwise by their endpoints. */
  readonly localityShares: boolean
  /** Local address upstream connections are made from. */
  readonly bindAddress: string | undefined
  /** Probes on idle connections; absent: none. */
  readonly keepAlive?: KeepAlive
  readonly bufferLimitBytes: number
  /** `filter_metadata`, e.g. `istio` with the service's name for metrics. */
  readonly metadata: Readonly<Record<string, Json>>
  readonly secretNames: readonly string[]
  readonly dispensableSecrets?: readonly DispensableSecret[]
}

/** What is remembered of names that requests bring (`DnsCacheConfig`); Envoy's defaults are filled in. */
export interface DnsCache {
  /** Filters and clusters that say the same name share it. */
  readonly name: string
  readonly family: 'v4' | 'v6' | 'v6-preferred' | 'v4-preferred'
  /** How long an address holds of which nobody says how long it does. */
  readonly refreshMs: number
  /** No address is looked up again before. */
  readonly minRefreshMs: number
  /** How long it is believed that a name leads nowhere. */
  readonly failureRefreshMs: number
  /** A name that nobody asks for is forgotten then. */
  readonly hostTtlMs: number
  readonly maxHosts: number
  /** Requests that wait for an answer at once. */
  readonly maxPending: number
  readonly queryTimeoutMs: number
  /** Who is asked; empty: those that the machine asks. */
  readonly servers: readonly { readonly address: string; readonly port: number }[]
}

/** Load balancing of a cluster. */
export type Balancer =
  | { readonly policy: 'random' | 'original-dst' }
  | { readonly policy: 'round-robin'; readonly slowStart?: SlowStart }
  | {
      readonly policy: 'ring-hash'
      readonly minimumSize: number
      readonly maximumSize: number
      readonly byHostname: boolean
    }
  | { readonly policy: 'maglev'; readonly tableSize: number; readonly byHostname: boolean }
  | {
      readonly policy: 'least-request'
      readonly choiceCount: number
      readonly activeRequestBias: number
      readonly slowStart?: SlowStart
    }

/** How the share of an endpoint that has just joined grows. */
export interface SlowStart {
  readonly windowMs: number
  /** 1: a straight line. */
  readonly aggression: number
  readonly minWeightPercent: number
}

/** One entry of transport_socket_matches. */
export interface TransportSocketMatch {
  readonly name: string
  readonly match: Readonly<Record<string, Json>>
  readonly tls: UpstreamTls | undefined
  readonly proxyProtocol?: 1 | 2
  readonly passthrough?: readonly PassedMetadata[]
}

/** Metadata that a connection to an internal listener takes along. */
export interface PassedMetadata {
  readonly of: 'endpoint' | 'cluster'
  readonly namespace: string
}

/** Limits of one priority. `retryBudget` replaces `maxRetries` when set. */
export interface BreakerLimits {
  readonly maxConnections: number
  readonly maxPendingRequests: number
  readonly maxRequests: number
  readonly maxRetries: number
  readonly retryBudget: RetryBudget | undefined
}

/** Retries in flight are a share of the requests. */
export interface RetryBudget {
  readonly percent: number
  readonly minConcurrency: number
  /** Of the requests that began in so long a time; 0: of those in flight. */
  readonly intervalMs: number
}

/** Passive health checking; Envoy's defaults are filled in. */
export interface OutlierDetection {
  readonly consecutive5xx: number
  readonly consecutiveGatewayFailure: number
  readonly enforcingConsecutive5xxPercent: number
  readonly enforcingConsecutiveGatewayFailurePercent: number
  readonly intervalMs: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxEjectionPercent: number
  /** The answers that count as errors, as 500 does, and no others; absent: those of 500 and above. */
  readonly errorStatuses?: ReadonlySet<number>
  /** One may be ejected whatever the percentage. */
  readonly alwaysEjectOne: boolean
  /** Failures that are not the endpoint's words count apart from its bad answers. */
  readonly splitsLocal: boolean
  readonly consecutiveLocal: number
  readonly enforcingLocalPercent: number
  /** By rates of an interval, of all failures, or with `splitsLocal` of the endpoint's answers. */
  readonly rates: RateRules
  /** With `splitsLocal`: of failures that are not the endpoint's words. */
  readonly localRates: RateRules
}

/** When rates eject. */
export interface RateRules {
  readonly successRateMinimumHosts: number
  readonly successRateVolume: number
  /** In thousandths of a standard deviation. */
  readonly successRateStdevFactor: number
  readonly enforcingSuccessRatePercent: number
  readonly failureThresholdPercent: number
  readonly failureMinimumHosts: number
  readonly failureVolume: number
  readonly enforcingFailurePercent: number
}

/** How this cluster is spoken to. Times of 0: no limit. */
export interface UpstreamHttp {
  /** `auto`: ALPN chooses. `downstream`: as the client speaks. */
  readonly protocol: 'http1' | 'http2' | 'auto' | 'downstream'
  readonly idleTimeoutMs: number
  readonly maxRequestsPerConnection: number
  readonly maxConnectionDurationMs: number
  /** Of each attempt. */
  readonly maxStreamDurationMs: number
  readonly preserveHeaderCase: boolean
  /** HTTP/1.1 trailers pass; otherwise they are dropped. */
  readonly http1Trailers: boolean
  readonly http2: Http2Options
  /** Names taken from each request; absent: none are. */
  readonly autoNames?: AutoNames
}

/** What the host of a request is used for towards its upstream. */
export interface AutoNames {
  /** It is the server name of TLS. */
  readonly sni: boolean
  /** The server's certificate must carry it. */
  readonly san: boolean
  /** A header that names it instead, where it is there. */
  readonly header: string | undefined
}

/** Endpoints of one cluster as last told (EDS), or as configured (STATIC). */
export interface EndpointSet {
  /** EDS name. */
  readonly name: string
  readonly localities: readonly LocalityEndpoints[]
  /** Percent, 140 by default: how healthy a priority must be to take all traffic. */
  readonly overprovisioningPercent: number
  readonly unlisted: readonly string[]
}

/** Endpoints of one locality and priority. */
export interface LocalityEndpoints {
  readonly region: string
  readonly zone: string
  readonly subZone: string
  readonly priority: number
  /** 0: not weighted. */
  readonly weight: number
  readonly endpoints: readonly Endpoint[]
}

/** One endpoint. `key` names it in registries that outlive configuration: `address:port` or `internal:<listener>`. */
export interface Endpoint {
  readonly key: string
  readonly target: /** An IP address, a host name, or (with port 0) the path of a Unix socket. */
    | { readonly kind: 'socket'; readonly address: string; readonly port: number }
    | { readonly kind: 'internal'; readonly listener: string; readonly endpointId: string }
  readonly hostname: string
  readonly health: 'unknown' | 'healthy' | 'unhealthy' | 'draining' | 'timeout' | 'degraded'
  readonly weight: number
  /** `filter_metadata`: `envoy.transport_socket_match`, `istio`, ... */
  readonly metadata: Readonly<Record<string, Json>>
  /** The server name to ask for instead of the cluster's; only on endpoints made for one host. */
  readonly serverName?: string
  /** Names of which its certificate must carry one, besides what the cluster asks for; only on endpoints made for one connection or host. */
  readonly peerNames?: readonly string[]
  /** Names its pool where `key` is not enough: connections with different `peerNames` are never shared. */
  readonly poolKey?: string
}
