// A running (or planned) instance of a Workload, as written to the registry by the supervisor.

/** One instance. All addresses are loopback addresses of this machine in explicit mode. */
export interface WorkloadInstance {
  /** `<workload>-<replica>`, unique in its namespace. */
  readonly name: string
  readonly workload: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  readonly proxy: 'sidecar' | 'gateway' | 'grpc' | 'none'
  /** Mesh address, its own: what other workloads dial, what its own proxy dials from and is administered at. */
  readonly address: string
  /** Where a gateway's listeners bind, when that is not `address`. */
  readonly listenAddress?: string
  /** Where the application binds. Equals `address` when no proxy stands before it. */
  readonly appAddress: string
  /** Ports of the workload (target ports of Services). */
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  /** Local address of the outbound TCP listener per `svc.ns:port`. */
  readonly outboundTcp: Readonly<Record<string, string>>
  /** The same for UDP ports: where datagrams go by a UDPRoute, if there is one. */
  readonly outboundUdp?: Readonly<Record<string, string>>
  readonly ready: boolean
  readonly draining: boolean
}

/** The registry file, `.weft/registry/instances.json`. */
export interface InstanceRegistry {
  readonly instances: readonly WorkloadInstance[]
}

/** Where an instance takes traffic: what Services that select it lead to, and what a gateway's listeners bind. */
export function servingAddress({
  address,
  listenAddress,
}: Pick<WorkloadInstance, 'address' | 'listenAddress'>): string {
  return listenAddress ?? address
}
