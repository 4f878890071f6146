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

/** A port for datagrams. */
export interface DatagramPort extends Omit<ServicePort, 'protocol'> {
  readonly protocol: 'UDP' | 'SCTP'
}

/** Spec of a Service. */
export interface ServiceSpec {
  /** Labels of the workloads behind it, same namespace; an empty selector selects nothing. */
  readonly selector: Readonly<Record<string, string>>
  /** The TCP ports. */
  readonly ports: readonly ServicePort[]
  /** Ports that routes for connections and requests do not reach. */
  readonly datagramPorts: readonly DatagramPort[]
  /** Inside the mesh all but ExternalName are alike. */
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** `clusterIP: None`: clients resolve the endpoints themselves. */
  readonly headless: boolean
  /** Addresses by which it is called where traffic is redirected. */
  readonly clusterIPs?: readonly string[]
  /** Endpoints are served before they are ready. */
  readonly publishNotReadyAddresses?: true
  /** All requests and connections of a client address go to one endpoint. */
  readonly sessionAffinity?: 'ClientIP'
  /** Only endpoints on the node of the client are used. */
  readonly nodeLocal?: true
  /** Endpoints of the client's zone (or node, then zone) go first. */
  readonly prefers?: 'zone' | 'node'
  /** The name that an ExternalName Service stands for. */
  readonly externalName?: string
}
