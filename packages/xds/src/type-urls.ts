// The resource types this mesh serves, and the order in which they are sent.
// https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations

/** Type URLs of the xDS v3 resource types. */
export const typeUrl = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routeConfiguration: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  clusterLoadAssignment: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const

/** Make before break: what is referred to goes out before what refers to it. */
export const pushOrder: readonly string[] = [
  typeUrl.secret,
  typeUrl.cluster,
  typeUrl.clusterLoadAssignment,
  typeUrl.listener,
  typeUrl.routeConfiguration,
]

/**
 * Types of which a client that names nothing gets everything (the legacy wildcard), and of which a State-of-the-World
 * response holds everything subscribed to, so that leaving a resource out deletes it.
 */
export function isFullState(type: string): boolean {
  return type === typeUrl.listener || type === typeUrl.cluster
}

/** The short name people know a type by: LDS, RDS, CDS, EDS, SDS; otherwise the message name. */
export function shortTypeName(type: string): string {
  switch (type) {
    case typeUrl.listener:
      return 'LDS'
    case typeUrl.routeConfiguration:
      return 'RDS'
    case typeUrl.cluster:
      return 'CDS'
    case typeUrl.clusterLoadAssignment:
      return 'EDS'
    case typeUrl.secret:
      return 'SDS'
    default:
      return type.slice(type.lastIndexOf('.') + 1)
  }
}
