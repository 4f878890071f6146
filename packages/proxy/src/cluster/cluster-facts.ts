// Questions about a compiled cluster and its endpoints.
import type { Cluster, EndpointSet } from '@weft/engine'

/** Whether requests or connections say where they go, so that nobody tells when such an endpoint is gone. */
export function isToldWhere({ discovery }: Cluster): boolean {
  return discovery.kind === 'original-dst' || discovery.kind === 'dynamic'
}

/** Whether connections made under one form of a cluster may go on under the other. */
export function sameConnecting(a: Cluster, b: Cluster): boolean {
  const key = (cluster: Cluster): string =>
    JSON.stringify([
      ...[cluster.tls, cluster.transportSocketMatches, cluster.bindAddress, cluster.keepAlive],
      ...[cluster.http.protocol, cluster.http.http2, cluster.http.http1Trailers],
    ])
  return key(a) === key(b)
}

/** Whether endpoints that join get their share of requests bit by bit. */
export function startsSlowly({ balancer }: Cluster): boolean {
  return 'slowStart' in balancer && balancer.slowStart !== undefined
}

/** The keys of all endpoints. */
export function keysOf(endpoints: EndpointSet | undefined): readonly string[] {
  return (endpoints?.localities ?? []).flatMap((locality) => locality.endpoints.map(({ key }) => key))
}
