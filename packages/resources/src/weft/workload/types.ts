// weft.dev/v1alpha1 Workload: a process (or gateway) that `weft up` runs.

/** When an instance may take traffic. Exactly one of `httpGet`, `tcpSocket`, `exec` is set. Times in seconds. */
export interface Readiness {
  readonly httpGet?: { readonly path: string; readonly port: number }
  readonly tcpSocket?: { readonly port: number }
  readonly exec?: { readonly command: readonly string[] }
  readonly periodSeconds: number
  readonly timeoutSeconds: number
  readonly failureThreshold: number
}

/** A port the application listens on. */
export interface WorkloadPort {
  readonly name: string
  readonly port: number
}

/** Spec of a Workload. Its labels are `metadata.labels`. */
export interface WorkloadSpec {
  /** Program and arguments; absent for gateways only. */
  readonly command?: readonly string[]
  /** Relative to the mesh root. */
  readonly workingDirectory?: string
  readonly ports: readonly WorkloadPort[]
  readonly serviceAccount: string
  readonly env: Readonly<Record<string, string>>
  readonly replicas: number
  readonly readiness?: Readiness
  readonly proxy: 'sidecar' | 'gateway' | 'grpc' | 'none'
  /** Gateways only: where the listeners of the (single) instance bind, to be reachable on 127.0.0.1. */
  readonly address?: string
  /** Processes of its proxy. Default: 1 for a sidecar, one per processor core up to four for a gateway. */
  readonly concurrency?: number
}
