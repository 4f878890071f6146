// Clusters and endpoints of UDP ports, for UDPRoutes.
import { servingAddress } from '@weft/resources'
import { ClusterSchema, Cluster_DiscoveryType, Cluster_LbPolicy } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import type { LbEndpointSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint_components'
import { gatewaysServedBy } from '../../gateway-api/data-plane.ts'
import { gatewayModel } from '../../gateway-api/gateway-model.ts'
import { type RouteRefs, routeRefs } from '../../gateway-api/gateway-refs.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import type { SnapshotInstance } from '../../snapshot/mesh-snapshot.ts'
import { adsSource } from '../config-source.ts'
import { encodeResource } from '../encode.ts'
import { type Built, generator, makeView, type View } from '../generator.ts'
import type { Service } from '../hosts.ts'
import type { Init } from '../init.ts'
import { portOfInstance } from '../instance-port.ts'
import { weftMetadata } from '../metadata.ts'
import { datagramAddress } from '../socket-address.ts'
import { policyMembers } from '../traffic-policy.ts'
import { dataPlaneRefs } from './data-plane-refs.ts'
import { datagramCluster, datagramShares, endpointWeights } from './datagram-shares.ts'
import { routedUdpPorts } from './mesh-datagrams.ts'

type LbEndpointInit = Init<typeof LbEndpointSchema>

interface Scope {
  readonly name: string
  /** By backend: its port, if it leads anywhere. */
  readonly shares: readonly { readonly weight: number; readonly port?: number }[]
}

/** By backend, where it leads anywhere: the Service, and what answers behind it. */
interface Refs {
  readonly [service: `service${number}`]: readonly Service[]
  readonly [instances: `instances${number}`]: readonly SnapshotInstance[]
}

/** `gateway-api|<port>|udp|<host>`, `gateway-api|udp|<namespace>/<route>`: spoken to without a mesh, since nothing secures datagrams. */
export const gatewayApiDatagrams = generator({
  name: 'gateway-api-datagrams',
  scope: (_mesh, { instance }) => ({ namespace: instance.namespace, labels: instance.labels }),
  views(mesh, scope) {
    const gateways = gatewaysServedBy(mesh, scope)
    if (gateways.length === 0) return []
    const refs = dataPlaneRefs(mesh, gateways)
    const routes = gateways.flatMap((gateway) => gatewayModel(gateway, refs).attached.map(({ route }) => route))
    const datagrams = [...new Set(routes)].filter(({ id }) => id.kind === 'UDPRoute')
    return clusterViews(
      mesh,
      datagrams.map((route) => ({ route, refs })),
    )
  },
  build,
})

/** The same at sidecars, for routes whose parent is a Service. */
export const meshDatagramClusters = generator({
  name: 'mesh-datagram-clusters',
  scope: (_mesh, { instance }) => ({
    namespace: instance.namespace,
    called: Object.keys(instance.outboundUdp ?? {}).length > 0,
  }),
  views(mesh, { namespace, called }) {
    if (!called) return []
    const routes = routedUdpPorts(mesh, namespace).map(({ routes: [first] }) => first)
    return clusterViews(
      mesh,
      [...new Set(routes)].map((route) => ({ route, refs: routeRefs(mesh, [route]) })),
    )
  },
  build,
})

function clusterViews(
  mesh: MeshQuery,
  routes: readonly { readonly route: Route; readonly refs: RouteRefs }[],
): View<Scope, Refs>[] {
  const views = routes.flatMap(({ route, refs }) => {
    const shares = datagramShares(route, refs)
    if (shares.every(({ to }) => to === undefined)) return []
    const own: Record<`service${number}` | `instances${number}`, readonly (Service | SnapshotInstance)[]> = {}
    for (const [index, { to }] of shares.entries()) {
      if (to === undefined) continue
      own[`service${index}`] = [to.service]
      own[`instances${index}`] = mesh.servingBehind(to.service)
    }
    const plain = shares.map(({ weight, to }) => (to === undefined ? { weight } : { weight, port: to.port.port }))
    return [makeView<Scope, Refs>({ name: datagramCluster(route, shares), shares: plain }, own as Refs)]
  })
  // Several routes may send everything to one port.
  return [...new Map(views.map((view) => [view.scope.name, view])).values()]
}

function build({ scope, refs }: View<Scope, Refs>): Built {
  const { name, shares } = scope
  const services = shares.flatMap((_, index) => refs[`service${index}`] ?? [])
  const origins = [...new Set(services.map(({ key }) => key))]
  const found = shares.map((_, index) => endpointsOf(scope, refs, index))
  const weights = endpointWeights(shares.map(({ weight }, index) => ({ weight, endpoints: found[index]?.length ?? 0 })))
  const split = shares.length > 1
  const lbEndpoints = found.flatMap((endpoints, index) =>
    endpoints.map((one): LbEndpointInit => (split ? { ...one, loadBalancingWeight: weights[index] ?? 1 } : one)),
  )
  const cluster = encodeResource(
    ClusterSchema,
    name,
    {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
      ...policyMembers({}, undefined),
      // The only policy that keeps to weights whatever is going on.
      ...(split ? { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN } : {}),
      metadata: weftMetadata({ origin: origins[0] ?? '' }),
    },
    origins,
  )
  const endpoints = encodeResource(
    ClusterLoadAssignmentSchema,
    name,
    { clusterName: name, endpoints: lbEndpoints.length === 0 ? [] : [{ lbEndpoints, locality: {} }] },
    origins,
  )
  return { resources: [cluster, endpoints], problems: [], losers: [] }
}

/** What answers behind a backend. Where nothing does, or the backend is not there, its share goes to a port that nobody can have. */
function endpointsOf({ shares }: Scope, refs: Refs, index: number): LbEndpointInit[] {
  const [service] = refs[`service${index}`] ?? []
  const port = service?.spec.datagramPorts.find((one) => one.port === shares[index]?.port && one.protocol === 'UDP')
  const found = (refs[`instances${index}`] ?? []).flatMap((instance): LbEndpointInit[] => {
    const { value } = instance
    const target = port === undefined ? undefined : portOfInstance(port, instance)
    if (target === undefined) return []
    // The application's own address: a sidecar takes no datagrams.
    return [endpointAt(value.proxy === 'sidecar' ? value.appAddress : servingAddress(value), target)]
  })
  return found.length > 0 || shares.length === 1 ? found : [endpointAt('127.0.0.1', 0)]
}

function endpointAt(host: string, port: number): LbEndpointInit {
  return { hostIdentifier: { case: 'endpoint', value: { address: datagramAddress(host, port) } } }
}
