// What an endpoint is dialled with.
import type { Cluster, Endpoint, UpstreamTls } from '../model.ts'
import type { Json } from '../request-head.ts'

/** The TLS of the first transport_socket_matches entry contained in the endpoint's metadata, else the cluster's own. */
export function transportSocketFor(cluster: Cluster, endpoint: Endpoint): UpstreamTls | undefined {
  return socketFor(cluster, endpoint).tls
}

/** The version of the PROXY protocol header an endpoint is sent first; undefined: none. */
export function proxyProtocolFor(cluster: Cluster, endpoint: Endpoint): 1 | 2 | undefined {
  return socketFor(cluster, endpoint).proxyProtocol
}

/** The metadata that a connection to an internal endpoint takes along (`internal_upstream`); undefined: none. */
export function passedMetadata(cluster: Cluster, endpoint: Endpoint): Readonly<Record<string, Json>> | undefined {
  const { passthrough } = socketFor(cluster, endpoint)
  if (passthrough === undefined) return undefined
  const passed: Record<string, Json> = {}
  for (const { of, namespace } of passthrough) {
    const value = (of === 'endpoint' ? endpoint : cluster).metadata[namespace]
    if (value !== undefined) passed[namespace] = value
  }
  return passed
}

function socketFor(cluster: Cluster, endpoint: Endpoint): Pick<Cluster, 'tls' | 'proxyProtocol' | 'passthrough'> {
  if (cluster.transportSocketMatches.length === 0) return cluster
  const labels = endpoint.metadata['envoy.transport_socket_match']
  const found = cluster.transportSocketMatches.find((entry) =>
    Object.entries(entry.match).every(([key, value]) => labelOf(labels, key) === value),
  )
  return found ?? cluster
}

function labelOf(labels: Json | undefined, key: string): Json | undefined {
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels)) return undefined
  return (labels as { readonly [key: string]: Json })[key]
}
