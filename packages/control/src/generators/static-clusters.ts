// Clusters that do not come from any object.
import type { Origin } from '@weft/core'
import { Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { adsSource, duration } from './config-source.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import type { Init } from './init.ts'
import { internalAddress } from './socket-address.ts'
import { circuitBreakers } from './traffic-policy.ts'

/** Cluster and endpoints that name every workload by its address, for Weft's proxy. */
export const weftWorkloadsCluster = 'weft.workloads'
/** The internal listener inside CONNECT tunnels, and the cluster that leads to it. */
export const tunnelName = 'tunnel'
/** Where requests go that must not go anywhere. */
export const blackHole = 'BlackHoleCluster'
/** Where redirected connections go that the mesh knows nothing about. */
export const passthrough = 'PassthroughCluster'

type ClusterInit = Init<typeof ClusterSchema>

/** `BlackHoleCluster`, `PassthroughCluster`, and where they are of use `tunnel` and `weft.workloads`. */
export const staticClusters = generator({
  name: 'static-clusters',
  scope: (_config, { instance, flavor, interception }) => ({
    tunnel: instance.proxy === 'sidecar' && interception === 'explicit',
    weft: flavor === 'weft',
  }),
  views: (_mesh, scope) => [makeView(scope, {})],
  build({ scope }) {
    const resources: BuiltResource[] = [
      cluster({ name: blackHole, ...ofType(Cluster_DiscoveryType.STATIC) }),
      cluster({
        name: passthrough,
        ...ofType(Cluster_DiscoveryType.ORIGINAL_DST),
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        circuitBreakers: circuitBreakers(),
      }),
    ]
    if (scope.tunnel) resources.push(internalCluster(tunnelName))
    if (scope.weft) {
      resources.push(
        cluster({
          name: weftWorkloadsCluster,
          ...ofType(Cluster_DiscoveryType.EDS),
          edsClusterConfig: { edsConfig: adsSource(), serviceName: weftWorkloadsCluster },
        }),
      )
    }
    return { resources, problems: [], losers: [] }
  },
})

function ofType(value: Cluster_DiscoveryType): Pick<ClusterInit, 'clusterDiscoveryType'> {
  return { clusterDiscoveryType: { case: 'type', value } }
}

function cluster(init: ClusterInit & { readonly name: string }, origins: readonly Origin[] = []): BuiltResource {
  return encodeResource(ClusterSchema, init.name, { connectTimeout: duration(10_000), ...init }, [...origins])
}

/** The cluster that leads to the internal listener of the same name. */
export function internalCluster(name: string, origins: readonly Origin[] = []): BuiltResource {
  const address = internalAddress(name)
  const init: ClusterInit & { readonly name: string } = {
    name,
    ...ofType(Cluster_DiscoveryType.STATIC),
    circuitBreakers: circuitBreakers(),
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
    },
  }
  return cluster(init, origins)
}
