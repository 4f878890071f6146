// The compiled configuration: what xDS resources mean, decoded, validated and ready to decide with. Every value is
// immutable. The proxy swaps one `ActiveConfig` in one assignment; an exchange keeps the one it began with. Endpoints
// are current state beside it (`EndpointSet`), never part of the swap.
import type { Origin } from '@weft/core'
import type { HttpFilter, UnknownFilter } from './model-filters.ts'
import type { Cluster, DnsCache } from './model-cluster.ts'
import type { FormatTemplate } from './model-format.ts'
import type { MetricChanges } from './model-metrics.ts'
import type { Http2Options } from './model-http2.ts'
import type { RouteConfig } from './model-routes.ts'
import type { DispensableSecret, DownstreamTls, ProxyProtocolRules, Tunneling, UdpProxy } from './model-transport.ts'
import type { Cidr, Rule } from './predicate.ts'

export type * from './model-cluster.ts'
export type * from './model-filters.ts'
export type * from './model-format.ts'
export type * from './model-http2.ts'
export type * from './model-metrics.ts'
export type * from './model-rate-limits.ts'
export type * from './model-routes.ts'
export type * from './model-transport.ts'

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
  /** Set when the resource holds a private key inline: its bytes must never reach the disk. */
  readonly holdsKeys?: true
}

/** Where a listener accepts. `internal`: connections made inside this process by `internal` endpoints. */
export type ListenAddress =
  | { readonly kind: 'socket'; readonly host: string; readonly port: number }
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
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
  /** What serves the datagrams of a UDP address; such a listener has no filter chains. */
  readonly udp?: UdpProxy
  readonly filterChains: readonly FilterChain[]
  readonly defaultFilterChain: FilterChain | undefined
  /** Bytes buffered per connection before reading stops. */
  readonly bufferLimitBytes: number
  readonly statPrefix: string
  readonly accessLogs: readonly AccessLog[]
  /** How what passes is counted otherwise than by Istio's standard metrics; absent: by these. */
  readonly metrics?: MetricChanges
  /** RDS names that must be there before the listener serves. */
  readonly routeConfigNames: readonly string[]
  /** SDS names that must be there before the listener serves. */
  readonly secretNames: readonly string[]
  /** Those of them without which the chains that name them refuse connections, in the end. */
  readonly dispensableSecrets?: readonly DispensableSecret[]
  /** Cluster names that network filters (tcp_proxy) name directly. */
  readonly clusterNames: readonly string[]
}

/** What listener filters ask to be found out before a chain is chosen. */
export interface ListenerSniffing {
  readonly tls: boolean
  readonly http: boolean
  readonly originalDst: boolean
  /** A PROXY protocol header comes first; absent: it is not looked for. */
  readonly proxyProtocol?: ProxyProtocolRules
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
  /** Network filters in front of the terminal filter that Envoy alone knows; see `UnknownFilter`. */
  readonly unknown?: readonly (UnknownFilter & { readonly name: string })[]
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
  /**
   * Set where conditions are not known (`keepsUnknown`): what matches if they all turn out so; permission and principal match whatever they
   * turn out to be.
   */
  readonly possible?: Rule
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
  /** What a client's address hashes to decides about the endpoint, where the cluster spreads by hash. */
  readonly hashesClient: boolean
  /** The bytes go to the upstream inside a CONNECT request; absent: as they are. */
  readonly tunneling?: Tunneling
  /** Comma-separated names of which the upstream's certificate must carry one, besides what its cluster asks for; absent: no more. */
  readonly upstreamNames?: FormatTemplate
  /** The address of the server name that the client asks for is looked up first. */
  readonly resolvesServerName?: ServerNameLookup
  readonly accessLogs: readonly AccessLog[]
}

/** `envoy.filters.network.sni_dynamic_forward_proxy`: names are looked up for clusters that take what they name. */
export interface ServerNameLookup {
  readonly cache: DnsCache
  /** Of the upstream. */
  readonly port: number
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
  readonly stripTrailingHostDot: boolean
  /** What becomes of headers with an underscore in their name. */
  readonly underscores: 'allow' | 'reject' | 'drop'
  readonly forwarding: ForwardingHeaders
  readonly serverName: string
  readonly serverHeader: 'overwrite' | 'append-if-absent' | 'pass-through'
  readonly via: string
  readonly requestId: { readonly generate: boolean; readonly preserveExternal: boolean; readonly inResponse: boolean }
  readonly maxRequestHeadersBytes: number
  readonly maxRequestHeaders: number
  /** The upstream judges expectations; otherwise the proxy meets them. */
  readonly proxy100Continue: boolean
  readonly http1: {
    readonly allowAbsoluteUrl: boolean
    readonly acceptHttp10: boolean
    readonly defaultHostForHttp10: string
    readonly preserveHeaderCase: boolean
    /** Trailers pass; otherwise they are dropped. */
    readonly trailers: boolean
  }
  readonly http2: Http2Options
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
