// Istio EnvoyFilter.
import type { PolicyReference } from '../target-reference.ts'

/** What is patched. */
export type PatchTarget =
  | 'LISTENER'
  | 'FILTER_CHAIN'
  | 'NETWORK_FILTER'
  | 'HTTP_FILTER'
  | 'ROUTE_CONFIGURATION'
  | 'VIRTUAL_HOST'
  | 'HTTP_ROUTE'
  | 'CLUSTER'
  | 'LISTENER_FILTER'
  | 'EXTENSION_CONFIG'
  | 'BOOTSTRAP'
  | 'INVALID'

/** What happens there. */
export type PatchOperation =
  | 'MERGE'
  | 'MERGE_AND_REPLACE_LIST'
  | 'ADD'
  | 'REMOVE'
  | 'INSERT_BEFORE'
  | 'INSERT_AFTER'
  | 'INSERT_FIRST'
  | 'REPLACE'
  | 'INVALID'

/** Which listener, chain and filter; absent members match everything. */
export interface ListenerPlace {
  readonly name?: string
  readonly portNumber?: number
  readonly listenerFilter?: string
  readonly filterChain?: {
    readonly name?: string
    readonly sni?: string
    readonly transportProtocol?: string
    readonly applicationProtocols?: string
    readonly destinationPort?: number
    readonly filter?: { readonly name?: string; readonly subFilter?: { readonly name?: string } }
  }
}

/** Which routes. */
export interface RoutePlace {
  readonly name?: string
  readonly portNumber?: number
  readonly portName?: string
  /** `namespace/name` */
  readonly gateway?: string
  readonly vhost?: {
    readonly name?: string
    readonly domainName?: string
    readonly route?: { readonly name?: string; readonly action?: 'ANY' | 'ROUTE' | 'REDIRECT' | 'DIRECT_RESPONSE' }
  }
}

/** Which cluster. */
export interface ClusterPlace {
  readonly name?: string
  readonly portNumber?: number
  readonly service?: string
  readonly subset?: string
}

/** One patch. */
export interface ConfigPatch {
  readonly applyTo?: PatchTarget
  readonly match?: {
    readonly context?: 'ANY' | 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY' | 'WAYPOINT'
    readonly proxy?: { readonly proxyVersion?: string; readonly metadata?: Readonly<Record<string, string>> }
    readonly listener?: ListenerPlace
    readonly routeConfiguration?: RoutePlace
    readonly cluster?: ClusterPlace
  }
  readonly patch?: {
    readonly operation?: PatchOperation
    readonly value?: unknown
    readonly filterClass?: 'UNSPECIFIED' | 'AUTHN' | 'AUTHZ' | 'STATS'
  }
}

/** Spec of an EnvoyFilter. */
export interface EnvoyFilterSpec {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly targetRefs?: readonly PolicyReference[]
  readonly configPatches: readonly ConfigPatch[]
  readonly priority: number
}
