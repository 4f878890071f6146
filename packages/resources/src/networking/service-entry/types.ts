// Istio ServiceEntry, as served by this mesh.

/** Where one endpoint of a ServiceEntry is. */
export interface EntryEndpoint {
  /** IP address, host name (resolution DNS), or `unix://` path. */
  readonly address?: string
  /** Port by name of the entry's port. */
  readonly ports?: Readonly<Record<string, number>>
  readonly labels?: Readonly<Record<string, string>>
  readonly weight?: number
}

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
  readonly subjectAltNames: readonly string[]
  /** See `isVisible`. */
  readonly exportTo: readonly string[]
}
