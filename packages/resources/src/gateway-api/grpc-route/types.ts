// GRPCRoute, with defaults filled in.
import type { HttpFilter } from '../http-route/types.ts'
import type { NamedMatch, RouteFields, SessionPersistence, WeightedBackendRef } from '../types.ts'

/** A filter: HTTPRoute's, of the types that gRPC has. */
export type GrpcFilter = Pick<
  HttpFilter,
  'requestHeaderModifier' | 'responseHeaderModifier' | 'requestMirror' | 'extensionRef'
> & { readonly type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'ExtensionRef' }

/** Conditions that must all hold. */
export interface GrpcRouteMatch {
  readonly method?: {
    readonly type: 'Exact' | 'RegularExpression'
    readonly service?: string
    readonly method?: string
  }
  readonly headers?: readonly NamedMatch[]
}

/** Where calls go, with filters of its own. */
export interface GrpcBackendRef extends WeightedBackendRef {
  readonly filters?: readonly GrpcFilter[]
}

/** One rule: matches are alternatives; none: every call. */
export interface GrpcRouteRule {
  readonly name?: string
  readonly matches?: readonly GrpcRouteMatch[]
  readonly filters?: readonly GrpcFilter[]
  readonly backendRefs?: readonly GrpcBackendRef[]
  readonly sessionPersistence?: SessionPersistence
}

/** Spec of a GRPCRoute. */
export interface GRPCRouteSpec extends RouteFields {
  readonly hostnames?: readonly string[]
  readonly rules?: readonly GrpcRouteRule[]
}
