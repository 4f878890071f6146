import type { Cluster, EndpointSet, Listener, RouteConfig } from '@weft/engine'

/** One resource as last accepted: what the control plane knows we hold. */
export interface Accepted<T> {
  readonly name: string
  readonly version: string
  /** The encoded message, for the next generation. */
  readonly body: Uint8Array
  readonly value: T
}

/** Everything accepted, by type and name; the map of a type is changed in place, its values never. */
export interface AcceptedResources {
  readonly listeners: Map<string, Accepted<Listener>>
  readonly routeConfigs: Map<string, Accepted<RouteConfig>>
  readonly clusters: Map<string, Accepted<Cluster>>
  readonly endpoints: Map<string, Accepted<EndpointSet>>
}

/** Nothing yet. */
export function noResources(): AcceptedResources {
  return { listeners: new Map(), routeConfigs: new Map(), clusters: new Map(), endpoints: new Map() }
}

/** The EDS name of a cluster; undefined when its endpoints are not discovered. */
export function edsNameOf(cluster: Cluster): string | undefined {
  return cluster.discovery.kind === 'eds' ? cluster.discovery.edsName : undefined
}
