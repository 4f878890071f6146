// Istio ServiceEntry, as served by this mesh.
import type { WorkloadEntrySpec } from '../workload-entry/types.ts'

/** Where one endpoint of a ServiceEntry is. */
export type EntryEndpoint = WorkloadEntrySpec

/** A port of a ServiceEntry. */
export interface EntryPort {
  readonly number: number
  readonly name: string
  readonly protocol?: string
  readonly targetPort?: number
}

/** How endpoints are found. */
export type Resolution = 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS'

/** Spec of a ServiceEntry. */
export interface ServiceEntrySpec {
  readonly hosts: readonly string[]
  /** IP addresses and ranges. */
  readonly addresses: readonly string[]
  readonly ports: readonly EntryPort[]
  readonly location: 'MESH_EXTERNAL' | 'MESH_INTERNAL'
  readonly resolution: Resolution
  readonly endpoints: readonly EntryEndpoint[]
  /** Labels of workloads that are endpoints; absent: only `endpoints` are. */
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly subjectAltNames: readonly string[]
  /** See `isVisible`. */
  readonly exportTo: readonly string[]
}
