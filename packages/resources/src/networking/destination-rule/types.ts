// Istio DestinationRule, as served by this mesh.

/** Load balancing over the ready endpoints of a cluster. */
export interface LoadBalancer {
  readonly simple: 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM' | 'PASSTHROUGH'
  readonly consistentHash?: ConsistentHash
  readonly localityLbSetting?: LocalityLoadBalancing
  /** Goes before `localityLbSetting`. */
  readonly zoneAware?: ZoneAwareBalancing
  readonly warmup?: Warmup
}

/** `zoneAwareLbSetting` where it is turned on. */
export interface ZoneAwareBalancing extends Pick<LocalityLoadBalancing, 'failover' | 'failoverPriority'> {
  /** With fewer endpoints all zones are alike. */
  readonly minClusterSize: number
}

/** Sends what has the same hash to the same endpoint. */
export interface ConsistentHash {
  readonly httpHeaderName?: string
  readonly httpCookie?: {
    readonly name: string
    readonly path?: string
    readonly ttl?: string
    readonly attributes?: readonly { readonly name: string; readonly value?: string }[]
  }
  readonly useSourceIp?: boolean
  readonly httpQueryParameterName?: string
  readonly algorithm: 'ring' | 'maglev'
  /** Points on the ring, or the size of the table; undefined: as the proxy likes. */
  readonly size?: number
}

/** Which localities get traffic. Localities are `region/zone/subzone`, cut short or ended with `*`. */
export interface LocalityLoadBalancing {
  readonly enabled?: boolean
  readonly distribute?: readonly { readonly from?: string; readonly to?: Readonly<Record<string, number>> }[]
  readonly failover?: readonly { readonly from?: string; readonly to?: string }[]
  /** Labels (or `label=value`), most important first. */
  readonly failoverPriority?: readonly string[]
}

/** How the share of a new endpoint grows. */
export interface Warmup {
  readonly duration: string
  readonly minimumPercent?: number
  readonly aggression?: number
}

/** Probes on idle connections. */
export interface TcpKeepalive {
  readonly probes?: number
  readonly time?: string
  readonly interval?: string
}

/** Limits of the connection pool towards a destination. */
export interface ConnectionPool {
  readonly tcp?: {
    readonly maxConnections?: number
    readonly connectTimeout?: string
    readonly maxConnectionDuration?: string
    readonly idleTimeout?: string
    readonly tcpKeepalive?: TcpKeepalive
  }
  readonly http?: {
    readonly http1MaxPendingRequests?: number
    readonly http2MaxRequests?: number
    readonly maxRequestsPerConnection?: number
    readonly maxRetries?: number
    readonly idleTimeout?: string
    /** HTTP/2 towards HTTP ports: DEFAULT where both proxies can, DO_NOT_UPGRADE never, UPGRADE always. */
    readonly h2UpgradePolicy?: 'DEFAULT' | 'DO_NOT_UPGRADE' | 'UPGRADE'
    /** Sends on in the protocol that the request came in; `h2UpgradePolicy` then has no effect. */
    readonly useClientProtocol?: boolean
    /** Streams at a time on one HTTP/2 connection. */
    readonly maxConcurrentStreams?: number
    readonly http2KeepAlive?: { readonly interval?: string; readonly timeout?: string }
  }
}

/** TLS towards the destination; without it meshed workloads get mutual TLS by themselves. */
export interface ClientTls {
  readonly mode: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL'
  readonly clientCertificate?: string
  readonly privateKey?: string
  readonly caCertificates?: string
  readonly caCrl?: string
  /** A Secret in the namespace of the proxy, in place of files; sidecars take it only from rules that select them. */
  readonly credentialName?: string
  readonly subjectAltNames?: readonly string[]
  readonly sni?: string
  /** Whoever answers is believed to be the host. */
  readonly insecureSkipVerify?: boolean
}

/** Leaves endpoints out for a while that fail. */
export interface OutlierDetection {
  readonly splitExternalLocalOriginErrors?: boolean
  readonly consecutiveLocalOriginFailures?: number
  readonly consecutiveGatewayErrors?: number
  readonly consecutive5xxErrors?: number
  readonly interval?: string
  readonly baseEjectionTime?: string
  readonly maxEjectionPercent?: number
  readonly minHealthPercent?: number
  readonly outlierDetectionHttpErrorCodes?: readonly number[]
}

/** Limits retries to a share of the requests, active or of an interval. */
export interface RetryBudget {
  readonly percent?: number
  readonly minRetryConcurrency?: number
  readonly budgetInterval?: string
}

/** What may differ per port. */
export interface PortTrafficPolicy {
  readonly loadBalancer?: LoadBalancer
  readonly connectionPool?: ConnectionPool
  readonly outlierDetection?: OutlierDetection
  readonly tls?: ClientTls
}

/** How traffic to a host, subset or port is sent. */
export interface TrafficPolicy extends PortTrafficPolicy {
  readonly retryBudget?: RetryBudget
  /** Tells the far end the address of the client. */
  readonly proxyProtocol?: { readonly version: 'V1' | 'V2' }
  /** The host is a forward proxy: what is sent to it over TCP goes on to the target, through a tunnel. */
  readonly tunnel?: { readonly protocol?: 'CONNECT' | 'POST'; readonly targetHost: string; readonly targetPort: number }
  /** Each replaces the whole policy for its port (nothing is inherited from the host level, as in Istio). */
  readonly portLevelSettings?: readonly (PortTrafficPolicy & { readonly port: { readonly number: number } })[]
}

/** Workloads of the host's Service that carry all these labels. */
export interface Subset {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Merged over the rule's own, member by member. */
  readonly trafficPolicy?: TrafficPolicy
}

/** Spec of a DestinationRule. */
export interface DestinationRuleSpec {
  readonly host: string
  readonly trafficPolicy?: TrafficPolicy
  readonly subsets: readonly Subset[]
  /** Clients of the own namespace that it is for; absent: all. */
  readonly workloadSelector?: { readonly matchLabels: Readonly<Record<string, string>> }
  /** See `isVisible`. */
  readonly exportTo: readonly string[]
}
