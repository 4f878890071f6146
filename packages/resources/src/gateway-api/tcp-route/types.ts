// TCPRoute, UDPRoute and TLSRoute, with defaults filled in.
import type { RouteFields, WeightedBackendRef } from '../types.ts'

/** Where connections (or datagrams) go. */
export interface StreamRouteRule {
  readonly name?: string
  readonly backendRefs: readonly WeightedBackendRef[]
}

/** Spec of a TCPRoute or UDPRoute. The versions before v1 may have several rules; only the first has an effect. */
export interface StreamRouteSpec extends RouteFields {
  readonly rules: readonly StreamRouteRule[]
}

/** Spec of a TLSRoute. `v1alpha2` may leave out the host names: then all that the listener serves. */
export interface TLSRouteSpec extends StreamRouteSpec {
  readonly hostnames?: readonly string[]
}
