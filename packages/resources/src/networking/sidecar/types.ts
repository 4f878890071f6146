// Istio Sidecar, as served by this mesh: what some workloads are told of the mesh, and how they are entered.
import type { ConnectionPool } from '../destination-rule/types.ts'
import type { ServerTls } from '../gateway/types.ts'
import type { Destination } from '../virtual-service/types.ts'

/** A port of a listener. */
export interface SidecarPort {
  readonly number?: number
  readonly name?: string
  readonly protocol?: string
}

/** Whether the kernel brings connections (DEFAULT where it does, IPTABLES), or callers name the port (NONE). */
export type CaptureMode = 'DEFAULT' | 'IPTABLES' | 'NONE'

/** A listener towards the application. */
export interface IngressListener {
  readonly port: SidecarPort
  readonly bind?: string
  readonly captureMode?: CaptureMode
  /** `127.0.0.1:port`, `0.0.0.0:port` or `unix://path`; the same port unless written. */
  readonly defaultEndpoint?: string
  readonly tls?: ServerTls
  readonly connectionPool?: ConnectionPool
}

/** Hosts that workloads may call, through a listener of its own where a port is given. */
export interface EgressListener {
  readonly port?: SidecarPort
  readonly bind?: string
  readonly captureMode?: CaptureMode
  /** `namespace/host`; the namespace may be `.` (its own), `*` (any) or `~` (none). */
  readonly hosts: readonly string[]
}

/** Spec of a Sidecar. */
export interface SidecarSpec {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly ingress?: readonly IngressListener[]
  readonly egress?: readonly EgressListener[]
  readonly inboundConnectionPool?: ConnectionPool
  readonly outboundTrafficPolicy?: {
    readonly mode?: 'REGISTRY_ONLY' | 'ALLOW_ANY'
    readonly egressProxy?: Destination
  }
}
