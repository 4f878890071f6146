// Clusters and endpoints of UDP ports, for UDPRoutes.
import { servingAddress } from '@weft/resources'
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { gatewaysServedBy } from '../../gateway-api/data-plane.ts'
import type { SnapshotInstance } from '../../snapshot/mesh-snapshot.ts'
import { adsSource } from '../config-source.ts'
import { encodeResource } from '../encode.ts'
import { generator, makeView } from '../generator.ts'
import type { Service } from '../hosts.ts'
import { portOfInstance } from '../instance-port.ts'
import { weftMetadata } from '../metadata.ts'
import { datagramAddress } from '../socket-address.ts'
import { policyMembers } from '../traffic-policy.ts'
import { backendCluster } from './clusters-of-backends.ts'
import { dataPlaneRefs } from './data-plane-refs.ts'
import { usedTargets } from './used-targets.ts'

interface Refs {
  readonly service: readonly Service[]
  readonly instances: readonly SnapshotInstance[]
}

/** `gateway-api|<port>|udp|<host>`, spoken to without a mesh: nothing secures datagrams. */
export const gatewayApiDatagrams = generator({
  name: 'gateway-api-datagrams',
  scope: (_mesh, { instance }) => ({ namespace: instance.namespace, labels: instance.labels }),
  views(mesh, scope) {
    const gateways = gatewaysServedBy(mesh, scope)
    if (gateways.length === 0) return []
    const { services } = usedTargets(dataPlaneRefs(mesh, gateways))
    return services
      .filter(({ variant }) => variant.datagrams)
      .map(({ target: { service, port } }) => {
        const instances = mesh.servingBehind(service)
        return makeView<{ port: number }, Refs>({ port: port.port }, { service: [service], instances })
      })
  },
  build({ scope, refs }) {
    const [service] = refs.service
    const port = service?.spec.datagramPorts.find((one) => one.port === scope.port && one.protocol === 'UDP')
    if (service === undefined || port === undefined) return { resources: [], problems: [], losers: [] }
    const name = backendCluster({ kind: 'service', service, port }, { http2: false, datagrams: true })
    const lbEndpoints = refs.instances.flatMap((instance) => {
      const { value } = instance
      const target = portOfInstance(port, instance)
      if (target === undefined) return []
      // The application's own address: a sidecar takes no datagrams.
      const host = value.proxy === 'sidecar' ? value.appAddress : servingAddress(value)
      const address = datagramAddress(host, target)
      return [{ hostIdentifier: { case: 'endpoint' as const, value: { address } } }]
    })
    const cluster = encodeResource(
      ClusterSchema,
      name,
      {
        name,
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
        ...policyMembers({}, undefined),
        metadata: weftMetadata({ origin: service.key }),
      },
      [service.key],
    )
    const endpoints = encodeResource(
      ClusterLoadAssignmentSchema,
      name,
      { clusterName: name, endpoints: lbEndpoints.length === 0 ? [] : [{ lbEndpoints, locality: {} }] },
      [service.key],
    )
    return { resources: [cluster, endpoints], problems: [], losers: [] }
  },
})
