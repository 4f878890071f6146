// Istio WorkloadGroup, as served by this mesh: what the WorkloadEntries that name it take from it.
import type { WorkloadEntrySpec } from '../workload-entry/types.ts'

/** Spec of a WorkloadGroup. */
export interface WorkloadGroupSpec {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly template: WorkloadEntrySpec
  readonly probe?: WorkloadProbe
}

/** How it is found out whether entries are ready. Exactly one of `httpGet`, `tcpSocket`, `grpc` is set. Times in seconds. */
export interface WorkloadProbe {
  readonly initialDelaySeconds: number
  readonly timeoutSeconds: number
  readonly periodSeconds: number
  readonly successThreshold: number
  readonly failureThreshold: number
  readonly httpGet?: {
    readonly path?: string
    readonly port: number
    readonly host?: string
    readonly scheme?: 'HTTP' | 'HTTPS'
    readonly httpHeaders?: readonly { readonly name?: string; readonly value?: string }[]
  }
  readonly tcpSocket?: { readonly host?: string; readonly port: number }
  readonly grpc?: { readonly port?: number; readonly service?: string }
}
