// Kubernetes Service (core/v1), the part a mesh reads.

/** One port of a Service. */
export interface ServicePort {
  /** '' when not written. */
  readonly name: string
  /** The port clients name. */
  readonly port: number
  /** The port of the workload: a number, or the name of one of its ports. Defaults to `port`. */
  readonly targetPort: number | string
  readonly protocol: 'TCP'
  readonly appProtocol?: string
}

/** Spec of a Service. */
export interface ServiceSpec {
  /** Labels of the workloads behind it, same namespace; an empty selector selects nothing. */
  readonly selector: Readonly<Record<string, string>>
  readonly ports: readonly ServicePort[]
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** Addresses by which it is called where traffic is redirected; none for a headless Service. */
  readonly clusterIPs?: readonly string[]
  /** As written, for the schema's sake; what counts is in `clusterIPs`. */
  readonly clusterIP?: string
  /** Endpoints are told of before they are ready. */
  readonly publishNotReadyAddresses?: true
  /** Name outside that it stands for. */
  readonly externalName?: string
}
