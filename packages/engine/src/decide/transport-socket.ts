// Which TLS settings an endpoint is dialled with.
import type { Cluster, Endpoint, UpstreamTls } from '../model.ts'
import type { Json } from '../request-head.ts'

/** The first transport_socket_matches entry contained in the endpoint's metadata, else the cluster's own. */
export function transportSocketFor(cluster: Cluster, endpoint: Endpoint): UpstreamTls | undefined {
  if (cluster.transportSocketMatches.length === 0) return cluster.tls
  const labels = endpoint.metadata['envoy.transport_socket_match']
  const found = cluster.transportSocketMatches.find((entry) =>
    Object.entries(entry.match).every(([key, value]) => labelOf(labels, key) === value),
  )
  return found === undefined ? cluster.tls : found.tls
}

function labelOf(labels: Json | undefined, key: string): Json | undefined {
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels)) return undefined
  return (labels as { readonly [key: string]: Json })[key]
}
