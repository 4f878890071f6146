// Compiled http filters and their per-route settings.
import type { DnsCache } from './model-cluster.ts'
import type { NetworkRbac, Origins, RbacPolicies } from './model.ts'
import type { MadeCookie } from './model-routes.ts'
import type { HttpRateLimit } from './model-rate-limits.ts'
import type { Rule, ValueTest } from './predicate.ts'

/** One entry of `http_filters`. `disabled`: off unless a route turns it on. */
export type HttpFilter = {
  readonly name: string
  readonly disabled: boolean
} & (
  | HttpRbac
  | HttpFault
  | HttpCors
  | HttpGrpcWeb
  | HttpRateLimit
  | HttpSession
  | DynamicHostLookup
  | UnknownFilter
  | HttpRouter
)

/** `envoy.filters.http.rbac`. */
export interface HttpRbac {
  readonly kind: 'rbac'
  readonly rules: RbacPolicies | undefined
  readonly shadow: RbacPolicies | undefined
}

/** `envoy.filters.http.fault`. `fault` undefined: acts only where a route says so. */
export interface HttpFault {
  readonly kind: 'fault'
  readonly fault: Fault
}

/** What an HTTPFault injects. */
export interface Fault {
  readonly delay:
    | {
        /** undefined: taken from the header x-envoy-fault-delay-request (milliseconds). */
        readonly fixedMs: number | undefined
        readonly numerator: number
        readonly denominator: number
      }
    | undefined
  readonly abort:
    | {
        /** `header`: x-envoy-fault-abort-request / x-envoy-fault-abort-grpc-request. */
        readonly what: { readonly status: number } | { readonly grpcStatus: number } | 'header'
        readonly numerator: number
        readonly denominator: number
      }
    | undefined
  /** All must match. */
  readonly headers: Rule
  /** Faults only for this upstream cluster; '' for all. */
  readonly upstreamCluster: string
  /** Faults only for these `x-envoy-downstream-service-node` values; empty for all. */
  readonly downstreamNodes: readonly string[]
  /** Faults at once at most; undefined: no limit. */
  readonly maxActive: number | undefined
}

/** `envoy.filters.http.cors`: acts only where a route, virtual host or configuration has a policy. */
export interface HttpCors {
  readonly kind: 'cors'
}

/** A share of something. */
export interface Fraction {
  readonly numerator: number
  readonly denominator: number
}

/** A CorsPolicy. What is undefined (or, of origins, empty) the next, less specific policy says. */
export interface CorsPolicy {
  /** One must pass; one that passes for `*` passes for all. */
  readonly origins: readonly ValueTest[]
  readonly methods: string | undefined
  readonly headers: string | undefined
  readonly expose: string | undefined
  readonly maxAge: string | undefined
  readonly credentials: boolean | undefined
  readonly privateNetwork: boolean | undefined
  /** Preflights of other origins go on; otherwise they are answered without a permission. */
  readonly forwardsOthers: boolean | undefined
  /** Share of the requests it is applied to. */
  readonly enabled: Fraction
  /** Share of the requests that are only looked at, where it is not applied. */
  readonly shadow: Fraction
}

/** `envoy.filters.http.grpc_web`. */
export interface HttpGrpcWeb {
  readonly kind: 'grpc-web'
}

/** `envoy.filters.http.stateful_session`. `session` undefined: acts only where a route says so. */
export interface HttpSession {
  readonly kind: 'session'
  readonly session: Session | undefined
}

/** Requests of one session go to the endpoint that answered the first of them. */
export interface Session {
  readonly state: SessionState
  /** An endpoint that is gone is not replaced by another: the request fails. */
  readonly strict: boolean
}

/** Where the endpoint of a session is written down. */
export type SessionState =
  | { readonly kind: 'cookie'; readonly name: string; readonly made: MadeCookie }
  | { readonly kind: 'header'; readonly name: string }

/** `envoy.filters.http.dynamic_forward_proxy`: looks up the host of requests to clusters that take what requests name. */
export interface DynamicHostLookup {
  readonly kind: 'dynamic-host'
  readonly cache: DnsCache
}

/** The host a request has instead of its own, before it is looked up: this one, or what a header names. */
export interface HostInstead {
  readonly literal: string | undefined
  readonly header: string | undefined
}

/** What Envoy runs and nobody else can decide. No proxy of Weft has one: it refuses the listener. */
export interface UnknownFilter {
  readonly kind: 'unknown'
  /** Last part of the type's name: `JwtAuthentication`. */
  readonly type: string
  /** Objects that ask for it; else the EnvoyFilters that changed its listener. */
  readonly origins: Origins
  /** Whether these are EnvoyFilters, one of which may have put it there. */
  readonly patched: boolean
}

/** `envoy.filters.http.router`. */
export interface HttpRouter {
  readonly kind: 'router'
  readonly suppressEnvoyHeaders: boolean
  /** Envoy's `respect_expected_rq_timeout`. */
  readonly respectExpectedTimeout: boolean
}

/** Per-route setting of one filter: its own configuration, or switched on or off. */
export type FilterOverride =
  | { readonly kind: 'disabled' }
  | { readonly kind: 'enabled' }
  | { readonly kind: 'unknown' }
  | ({ readonly kind: 'rbac' } & Omit<HttpRbac, 'kind'>)
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'cors'; readonly policy: CorsPolicy }
  | { readonly kind: 'session'; readonly session: Session }
  | ({ readonly kind: 'dynamic-host' } & HostInstead)

export type { NetworkRbac }
