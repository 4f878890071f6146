// The compiled configuration: what xDS resources mean, decoded, validated and ready to decide with. Every value is
// immutable. The proxy swaps one `ActiveConfig` in one assignment; an exchange keeps the one it began with. Endpoints
// are current state beside it (`EndpointSet`), never part of the swap.
import type { Origin } from '@weft/core'
import type { HttpFilter, FilterOverride } from './model-filters.ts'
import type { Cluster } from './model-cluster.ts'
import type { FormatTemplate } from './model-format.ts'
import type { Cidr, Regex, Rule, ValueTest } from './predicate.ts'
import type { Json } from './request-head.ts'

export type * from './model-cluster.ts'
export type * from './model-filters.ts'
export type * from './model-format.ts'

/** Everything a proxy serves by. */
export interface ActiveConfig {
  readonly listeners: ReadonlyMap<string, Listener>
  readonly routeConfigs: ReadonlyMap<string, RouteConfig>
  readonly clusters: ReadonlyMap<string, Cluster>
}

/** Where a piece of configuration came from: `filter_metadata["weft"]`, key -> origin; `origin` is the main one. */
export type Origins = Readonly<Record<string, Origin>>

/** Names shared by all compiled resources. */
export interface ResourceInfo {
  readonly name: string
  readonly origins: Origins
  /** Fields that are set but that this proxy does not read, `message.full.Name.field`; shown by `weft status`. */
  readonly unlisted: readonly string[]
}

/** Where a listener accepts. `internal`: connections made inside this process by `internal` endpoints. */
export type ListenAddress =
  | { readonly kind: 'socket'; readonly host: string; readonly port: number }
  | { readonly kind: 'internal' }

/** A compiled `envoy.config.listener.v3.Listener`. */
export interface Listener extends ResourceInfo {
  readonly address: ListenAddress
  readonly additionalAddresses: readonly ListenAddress[]
  /** False: bound by nobody, reached through `use_original_dst` of another listener. */
  readonly bindToPort: boolean
  readonly useOriginalDst: boolean
  readonly direction: 'unspecified' | 'inbound' | 'outbound'
  readonly sniff: ListenerSniffing
  readonly filterChains: readonly FilterChain[]
  readonly defaultFilterChain: FilterChain | undefined
  /** Bytes buffered per connection before reading stops. */
  readonly bufferLimitBytes: number
  readonly statPrefix: string
  readonly accessLogs: readonly AccessLog[]
  /** RDS names that must be there before the listener serves. */
  readonly routeConfigNames: readonly string[]
  /** SDS names that must be there before the listener serves. */
  readonly secretNames: readonly string[]
  /** Cluster names that network filters (tcp_proxy) name directly. */
  readonly clusterNames: readonly string[]
}

/** What listener filters ask to be found out before a chain is chosen. */
export interface ListenerSniffing {
  readonly tls: boolean
  readonly http: boolean
  readonly originalDst: boolean
  /** 0: wait for ever. */
  readonly timeoutMs: number
  readonly continueOnTimeout: boolean
}

/** One filter chain. `index` is its place in the listener's list; -1 for the default chain. */
export interface FilterChain {
  readonly name: string
  readonly index: number
  readonly origins: Origins
  readonly match: FilterChainMatch
  /** What PeerAuthentication said here, for proofs and `weft status`; undefined when the control plane did not say. */
  readonly mtls: { readonly mode: string; readonly origin: Origin | undefined } | undefined
  /** Undefined: plaintext. */
  readonly tls: DownstreamTls | undefined
  readonly handshakeTimeoutMs: number
  /** Network-level RBAC filters, in order, in front of the terminal filter. */
  readonly rbac: readonly NetworkRbac[]
  readonly terminal: HttpConnectionManager | TcpProxy
}

/** Envoy's FilterChainMatch; empty lists and undefined match everything. */
export interface FilterChainMatch {
  readonly destinationPort: number | undefined
  readonly prefixRanges: readonly Cidr[]
  readonly directSourcePrefixRanges: readonly Cidr[]
  readonly sourceType: 'any' | 'same-ip-or-loopback' | 'external'
  readonly sourcePrefixRanges: readonly Cidr[]
  readonly sourcePorts: readonly number[]
  readonly serverNames: readonly string[]
  readonly transportProtocol: string
  readonly applicationProtocols: readonly string[]
}

/** The part of a TLS context both directions share. Secrets are named, never held. */
export interface CommonTls {
  /** SDS name of our certificate; undefined: none is shown. */
  readonly certificateSecret: string | undefined
  /** SDS name of the roots the peer must chain to; undefined: the peer is not verified. */
  readonly rootsSecret: string | undefined
  /** The peer must carry one SAN that matches one of these; empty: any. */
  readonly sans: readonly SanMatcher[]
  readonly alpn: readonly string[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** One acceptable subject alternative name of the peer. */
export interface SanMatcher {
  readonly type: 'uri' | 'dns' | 'email' | 'ip'
  readonly test: ValueTest
}

/** TLS towards downstream. */
export interface DownstreamTls extends CommonTls {
  readonly requireClientCertificate: boolean
}

/** TLS towards upstream. */
export interface UpstreamTls extends CommonTls {
  readonly sni: string | undefined
}

/** A network RBAC filter. */
export interface NetworkRbac {
  readonly kind: 'rbac'
  readonly statPrefix: string
  readonly rules: RbacPolicies | undefined
  readonly shadow: RbacPolicies | undefined
}

/** A compiled RBAC. Policies are in name order, as Envoy evaluates its map. */
export interface RbacPolicies {
  readonly action: 'allow' | 'deny' | 'log'
  readonly policies: readonly RbacPolicy[]
}

/** One policy: `permission` and `principal` must both match. */
export interface RbacPolicy {
  readonly name: string
  readonly origin: Origin | undefined
  readonly permission: Rule
  readonly principal: Rule
}

/** `envoy.filters.network.tcp_proxy`. */
export interface TcpProxy {
  readonly kind: 'tcp'
  readonly statPrefix: string
  /** One entry with weight 1 for a plain `cluster`. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[]
  /** 0: never. */
  readonly idleTimeoutMs: number
  readonly maxConnectAttempts: number
  /** 0: no limit. */
  readonly maxDownstreamConnectionDurationMs: number
  readonly accessLogs: readonly AccessLog[]
}

/** An access log: JSON fields or a line of text to a file (`/dev/stdout`). */
export interface AccessLog {
  readonly path: string
  readonly format:
    | { readonly json: ReadonlyMap<string, FormatTemplate> }
    | { readonly text: FormatTemplate }
    | undefined
}

/** `envoy.filters.network.http_connection_manager`. Times of 0 mean: no limit. */
export interface HttpConnectionManager {
  readonly kind: 'http'
  readonly statPrefix: string
  readonly codec: 'auto' | 'http1' | 'http2'
  readonly routes:
    | { readonly kind: 'rds'; readonly name: string }
    | { readonly kind: 'inline'; readonly config: RouteConfig }
  /** In the order of the configuration; the last is the router. */
  readonly httpFilters: readonly HttpFilter[]
  /** Enabled upgrade types, lower-case: `websocket`, `connect`. */
  readonly upgrades: ReadonlySet<string>
  readonly timeouts: HttpTimeouts
  readonly path: PathNormalization
  readonly stripHostPort: 'no' | 'matching' | 'any'
  readonly forwarding: ForwardingHeaders
  readonly serverName: string
  readonly serverHeader: 'overwrite' | 'append-if-absent' | 'pass-through'
  readonly via: string
  readonly requestId: { readonly generate: boolean; readonly preserveExternal: boolean; readonly inResponse: boolean }
  readonly maxRequestHeadersBytes: number
  readonly maxRequestHeaders: number
  readonly http1: {
    readonly allowAbsoluteUrl: boolean
    readonly acceptHttp10: boolean
    readonly defaultHostForHttp10: string
    readonly preserveHeaderCase: boolean
  }
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number
  readonly accessLogs: readonly AccessLog[]
}

/** Time limits of a connection manager, milliseconds; 0 = none. Envoy's defaults are filled in. */
export interface HttpTimeouts {
  readonly idleMs: number
  readonly requestMs: number
  readonly requestHeadersMs: number
  readonly streamIdleMs: number
  readonly drainMs: number
  readonly delayedCloseMs: number
  readonly maxConnectionDurationMs: number
  readonly maxStreamDurationMs: number
}

/** How a request path is normalised before anything looks at it. */
export interface PathNormalization {
  /** RFC 3986 section 6 without case folding, as Envoy's normalize_path. */
  readonly normalize: boolean
  readonly mergeSlashes: boolean
  readonly escapedSlashes: 'keep' | 'reject' | 'redirect' | 'unescape'
}

/** X-Forwarded-For and X-Forwarded-Client-Cert. */
export interface ForwardingHeaders {
  readonly useRemoteAddress: boolean
  readonly xffTrustedHops: number
  readonly skipXffAppend: boolean
  readonly clientCert: 'sanitize' | 'forward-only' | 'append-forward' | 'sanitize-set' | 'always-forward-only'
  readonly clientCertDetails: {
    readonly subject: boolean
    readonly cert: boolean
    readonly chain: boolean
    readonly dns: boolean
    readonly uri: boolean
  }
}

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
  readonly retryPolicy: RetryPolicy | undefined
  readonly priority: 'default' | 'high'
  readonly hashPolicy: readonly HashPolicy[]
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

/** Consistent-hash input. */
export interface HashPolicy {
  readonly kind: 'header' | 'cookie' | 'source-ip' | 'query'
  readonly name: string
  readonly terminal: boolean
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
