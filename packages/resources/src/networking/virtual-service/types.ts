// Istio VirtualService, as served by this mesh.
import type { StringMatch } from '../string-match.ts'

/** Changes to headers: `set` overwrites, `add` appends, `remove` deletes. */
export interface HeaderOperations {
  readonly set?: Readonly<Record<string, string>>
  readonly add?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

/** Header changes of both directions. */
export interface Headers {
  readonly request?: HeaderOperations
  readonly response?: HeaderOperations
}

/** Where traffic goes. */
export interface Destination {
  /** As written: short name or FQDN; see `resolveHost`. */
  readonly host: string
  readonly subset?: string
  readonly port?: { readonly number: number }
}

/** One arm of a split. `weight` is always there: 100 for a single arm without one, 0 for others without one. */
export interface HttpRouteDestination {
  readonly destination: Destination
  readonly weight: number
  readonly headers?: Headers
}

/** All members must hold; the items of `match` are alternatives. An empty StringMatch (`{}`) means: present. */
export interface HttpMatchRequest {
  readonly name?: string
  readonly uri?: StringMatch
  readonly scheme?: StringMatch
  readonly method?: StringMatch
  readonly authority?: StringMatch
  readonly headers?: Readonly<Record<string, StringMatch>>
  readonly withoutHeaders?: Readonly<Record<string, StringMatch>>
  readonly queryParams?: Readonly<Record<string, StringMatch>>
  readonly port?: number
  readonly ignoreUriCase?: boolean
  readonly gateways?: readonly string[]
  readonly sourceLabels?: Readonly<Record<string, string>>
  readonly sourceNamespace?: string
  readonly statPrefix?: string
}

/** Answers with a redirect. */
export interface HttpRedirect {
  readonly uri?: string
  /** Replaces the matched prefix of the path. */
  readonly prefixRewrite?: string
  readonly authority?: string
  readonly scheme?: string
  readonly port?: number
  readonly derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT'
  /** 301 unless written. */
  readonly redirectCode: number
}

/** Answers without an upstream. */
export interface HttpDirectResponse {
  readonly status: number
  readonly body?: { readonly string?: string; readonly bytes?: string }
}

/** Changes path and authority before forwarding. `uri` replaces the matched prefix, or the whole path of an exact match. */
export interface HttpRewrite {
  readonly uri?: string
  readonly authority?: string
  readonly uriRegexRewrite?: { readonly match: string; readonly rewrite: string }
}

/** Retries; writing them declares the route's requests repeatable. `attempts` counts retries, not tries. */
export interface HttpRetry {
  readonly attempts: number
  readonly perTryTimeout?: string
  /** Comma-separated Envoy conditions and status codes. */
  readonly retryOn?: string
  readonly backoff?: string
  /** A retry prefers the localities that were not tried. */
  readonly retryRemoteLocalities?: boolean
  /** Whether a retry avoids endpoints tried before; true unless written. */
  readonly retryIgnorePreviousHosts?: boolean
}

/** The codes of gRPC by name. */
export const grpcStatusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** A code of gRPC by name. */
export type GrpcStatus = keyof typeof grpcStatusCodes

/** Percentages are 0..100 with fractions; without `percentage` Istio injects nothing, so the default is 0. */
export interface HttpFault {
  readonly delay?: { readonly fixedDelay?: string; readonly percentage: { readonly value: number } }
  /** One of `httpStatus` and `grpcStatus` is set. */
  readonly abort?: {
    readonly httpStatus?: number
    readonly grpcStatus?: GrpcStatus
    readonly percentage: { readonly value: number }
  }
}

/** Sends copies of requests elsewhere; what they answer is thrown away. */
export interface HttpMirror {
  readonly destination: Destination
  /** 0..100 with fractions. */
  readonly percentage: { readonly value: number }
}

/** What pages of other origins may do. `allowOrigin`, the older form, is read into `allowOrigins`. */
export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatch[]
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly maxAge?: string
  readonly allowCredentials?: boolean
  readonly unmatchedPreflights?: 'UNSPECIFIED' | 'FORWARD' | 'IGNORE'
}

/** One HTTP rule; exactly one of `route`, `redirect`, `directResponse`, `delegate` is set. The first that matches wins. */
export interface HttpRoute {
  readonly name?: string
  /** Absent: matches everything. */
  readonly match?: readonly HttpMatchRequest[]
  readonly route?: readonly HttpRouteDestination[]
  readonly redirect?: HttpRedirect
  readonly directResponse?: HttpDirectResponse
  /** The VirtualService that has the rules for what matches; see `mergeDelegates`. */
  readonly delegate?: { readonly name: string; readonly namespace?: string }
  /** Where copies go; the older forms of its share are read into `mirrorPercentage`. */
  readonly mirror?: Destination
  readonly mirrorPercentage?: { readonly value: number }
  readonly mirrors?: readonly HttpMirror[]
  readonly corsPolicy?: CorsPolicy
  readonly rewrite?: HttpRewrite
  /** Absent or `0s`: no limit. */
  readonly timeout?: string
  readonly retries?: HttpRetry
  readonly fault?: HttpFault
  readonly headers?: Headers
}

/** Conditions on a TCP connection. */
export interface L4MatchAttributes {
  readonly port?: number
  readonly gateways?: readonly string[]
  readonly sourceLabels?: Readonly<Record<string, string>>
  readonly sourceNamespace?: string
  readonly destinationSubnets?: readonly string[]
  /** Of TCP rules only. */
  readonly sourceSubnet?: string
}

/** One TCP rule. */
export interface TcpRoute {
  readonly match?: readonly L4MatchAttributes[]
  readonly route: readonly { readonly destination: Destination; readonly weight: number }[]
}

/** Conditions on a TLS connection that is passed on as it is, or that a gateway ends. */
export interface TlsMatchAttributes extends L4MatchAttributes {
  /** Names, or `*.` and what stands below. */
  readonly sniHosts: readonly string[]
}

/** One rule for TLS connections, by the name the client asks for. */
export interface TlsRoute {
  readonly match: readonly TlsMatchAttributes[]
  readonly route: readonly { readonly destination: Destination; readonly weight: number }[]
}

/** Spec of a VirtualService. */
export interface VirtualServiceSpec {
  /** None: a delegate of others. */
  readonly hosts: readonly string[]
  /** `mesh` (the default), `name` or `namespace/name`. */
  readonly gateways: readonly string[]
  readonly http: readonly HttpRoute[]
  readonly tls: readonly TlsRoute[]
  readonly tcp: readonly TcpRoute[]
  /** `['*']` (the default), `['~']`, or names of namespaces and `.`; see `isVisible`. */
  readonly exportTo: readonly string[]
}
