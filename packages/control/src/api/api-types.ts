// The admin API's answers: what `weft status`, `weft config`, `weft up` and the console read. Times are wall-clock ms.
import type { Origin, Position } from '@weft/core'
import type { Severity } from '@weft/resources'

/** An origin and where it is written now (undefined: no file holds it). */
export interface OriginPlace {
  readonly origin: Origin
  readonly position: Position | undefined
}

/** A resource that a proxy refused, and the YAML it came from. */
export interface RefusedReport {
  readonly name: string
  readonly version: string
  readonly reason: string
  readonly from: readonly OriginPlace[]
}

/** One resource type of one proxy. */
export interface TypeReport {
  /** LDS, RDS, CDS, EDS. */
  readonly type: string
  readonly typeUrl: string
  readonly version: string
  readonly acceptedVersion: string | undefined
  readonly state: 'accepted' | 'warming' | 'refused' | 'unsubscribed'
  readonly resources: number
  readonly refused: readonly RefusedReport[]
}

/** One proxy. */
export interface ProxyReport {
  /** `<instance>.<namespace>` */
  readonly id: string
  readonly instance: string
  readonly namespace: string
  readonly workload: string
  readonly kind: 'sidecar' | 'gateway' | 'grpc'
  /** Whose program it is, as far as the control plane knows. */
  readonly flavor: 'weft' | 'envoy'
  readonly address: string
  readonly ready: boolean
  readonly draining: boolean
  readonly connected: boolean
  readonly userAgent: string | undefined
  /** Set when it is an Envoy that was started before EnvoyFilters changed its bootstrap. */
  readonly olderBootstrap?: true
  /** What its certificate must say, and what the xDS stream's said. */
  readonly identity: {
    readonly expected: string
    readonly spiffeId: string | undefined
    readonly serial: string | undefined
    readonly notAfterMs: number | undefined
  }
  /** `none`: another local process can use this sidecar (explicit mode without root). */
  readonly isolation: 'none'
  readonly types: readonly TypeReport[]
}

/** A finding about the configuration. */
export interface FindingReport {
  readonly severity: Severity
  readonly code: string
  readonly message: string
  readonly object: Origin | undefined
  readonly field: string
  readonly position: Position | undefined
  readonly mend: string
}

/** `GET /v1/status` */
export interface StatusReport {
  readonly version: string | undefined
  readonly sinceMs: number | undefined
  readonly trustDomain: string
  readonly ready: boolean
  readonly proxies: readonly ProxyReport[]
  readonly store: {
    readonly revision: number
    readonly objects: number
    readonly problems: readonly FindingReport[]
    /** What the objects say of each other: references to what is not there, contradictions. */
    readonly relations?: readonly FindingReport[]
    /** Served in an older version than their file asks for. */
    readonly stale: readonly { readonly object: Origin; readonly reason: string }[]
    readonly blocking: readonly FindingReport[]
    readonly unenforceable: readonly { readonly object: Origin; readonly reason: string }[]
  }
  /** Written, but without effect. */
  readonly losers: readonly {
    readonly from: OriginPlace
    readonly reason: string
    readonly by: OriginPlace | undefined
    readonly detail: string
  }[]
  readonly notes: readonly { readonly from: OriginPlace; readonly message: string }[]
}

/** One resource of a proxy. */
export interface ResourceReport {
  readonly name: string
  readonly version: string
  readonly from: readonly OriginPlace[]
  /** The resource in proto JSON with .proto field names. */
  readonly resource: unknown
  /** Encoded, base64: what the proxy gets, for `weft explain`. */
  readonly body: string
}

/** `GET /v1/proxies/:id/resources`: LDS, RDS, CDS, EDS to resources in the order of their names. */
export interface ResourcesReport {
  readonly proxyId: string
  readonly types: Readonly<Record<string, readonly ResourceReport[]>>
}

/** `GET /v1/snapshot` */
export interface SnapshotReport {
  readonly version: string
  readonly sinceMs: number
  /** `key@hash` of every object. */
  readonly objects: readonly { readonly key: string; readonly hash: string; readonly position: Position | undefined }[]
  readonly instances: readonly unknown[]
  readonly history: readonly { readonly version: string; readonly sinceMs: number }[]
}

/** One configuration object as the mesh holds it. */
export interface ObjectReport {
  /** `group/kind/namespace/name` */
  readonly key: string
  readonly position: Position | undefined
  /** As in YAML, with defaults and status. */
  readonly manifest: {
    readonly apiVersion: string
    readonly kind: string
    readonly metadata: { readonly name: string; readonly namespace?: string; readonly creationTimestamp?: string }
    readonly spec?: unknown
    readonly status?: unknown
  }
}

/** `GET /v1/objects?kind=group/kind` (repeatable), `namespace`, `name` */
export interface ObjectsReport {
  readonly objects: readonly ObjectReport[]
}

/** `GET /v1/positions?origin=...` (repeatable) */
export interface PositionsReport {
  readonly positions: readonly OriginPlace[]
}
