// Istio Gateway, as served by this mesh.

/** One port of a gateway and the hosts it serves. */
export interface GatewayServer {
  readonly name?: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: 'HTTP' }
  /** `host`, `*.host`, `*`, optionally `namespace/host` with namespace `.` or `*`. */
  readonly hosts: readonly string[]
}

/** Spec of a Gateway. The selector picks gateway workloads in every namespace, as Istio does by default. */
export interface GatewaySpec {
  readonly selector: Readonly<Record<string, string>>
  readonly servers: readonly GatewayServer[]
}
