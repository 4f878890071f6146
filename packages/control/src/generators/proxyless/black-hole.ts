// Where calls go that gRPC clients cannot make: a cluster without endpoints fails them at once, as UNAVAILABLE. A cluster that is
// not there at all would hold up the whole channel, since clients wait for it.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Origin } from '@weft/core'
import { Cluster_DiscoveryType as Discovery, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { adsSource } from '../config-source.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, makeView } from '../generator.ts'
import { faultConfig } from '../routes/fault.ts'
import { blackHole } from '../static-clusters.ts'

/** `BlackHoleCluster` and its empty assignment. */
export const grpcBlackHole = generator({
  name: 'proxyless-black-hole',
  scope: () => ({}),
  views: () => [makeView({}, {})],
  build: () => ({
    resources: [
      emptyCluster(blackHole, []),
      encodeResource(ClusterLoadAssignmentSchema, blackHole, { clusterName: blackHole }, []),
    ],
    problems: [],
    losers: [],
  }),
})

/** Said of a route or a share that leads there: without it, calls that wait for a connection would wait until their deadline. */
export const unavailable: Readonly<Record<string, Any>> = faultConfig({
  abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 100 } },
})

/** A cluster of this name without endpoints. */
export function emptyCluster(name: string, origin: readonly Origin[]): BuiltResource {
  const init = {
    name,
    clusterDiscoveryType: { case: 'type' as const, value: Discovery.EDS },
    edsClusterConfig: { edsConfig: adsSource(), serviceName: blackHole },
  }
  return encodeResource(ClusterSchema, name, init, origin)
}
