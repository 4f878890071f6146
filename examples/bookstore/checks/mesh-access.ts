// What the checks may do besides asking the shop: know where the listeners are, and be someone else. `weft up --check` hands it in.

export interface MeshInstance {
  readonly name: string
  readonly workload: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  readonly proxy: 'sidecar' | 'gateway' | 'grpc' | 'none'
  /** Where its sidecar listens for other workloads. */
  readonly address: string
  readonly appAddress: string
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  readonly outboundTcp: Readonly<Record<string, string>>
  readonly ready: boolean
  readonly draining: boolean
}

/** A certificate to be made for a check. */
export interface IssueOptions {
  /** URI names, such as SPIFFE ids. */
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
  /** Signed by the mesh's own root (default) or by another one. */
  readonly signedBy?: 'mesh' | 'stranger'
}

/** PEM texts. */
export interface IssuedIdentity {
  readonly cert: string
  readonly key: string
  /** The mesh's roots. */
  readonly ca: string
}

export interface MeshAccess {
  readonly proxyKind: 'weft' | 'envoy'
  /** All instances, as the registry has them now. */
  instances(): Promise<readonly MeshInstance[]>
  issue(options: IssueOptions): Promise<IssuedIdentity>
  /** Lets the mesh believe in one more instance until `remove` is called. */
  addInstance(instance: MeshInstance): Promise<{ remove(): Promise<void> }>
}
