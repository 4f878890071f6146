// The application's own ports, behind the sidecar.
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { targetPortOf } from '@weft/resources'
import { duration } from './config-source.ts'
import { encodeResource } from './encode.ts'
import { generator, makeView } from './generator.ts'
import { inboundCluster, type Service, serviceHost, speaksHttp2 } from './hosts.ts'
import { weftMetadata } from './metadata.ts'
import { httpOptions } from './traffic-policy.ts'
import { socketAddress } from './socket-address.ts'
import { workloadOrigin } from './inbound-listeners.ts'

/** `inbound|<port>||` */
export const inboundClusters = generator({
  name: 'inbound-clusters',
  scope: (_mesh, { instance }) => ({
    appAddress: instance.appAddress,
    namespace: instance.namespace,
    labels: instance.labels,
    workload: workloadOrigin(instance),
    ports: instance.ports,
  }),
  views(mesh, scope) {
    const services = mesh.servicesFor(scope)
    const { appAddress, workload } = scope
    return scope.ports.map((port) => makeView({ appAddress, workload, ...port }, { services }))
  },
  build({ scope, refs }) {
    const { appAddress, port, workload } = scope
    const name = inboundCluster(port)
    const services = refs.services.filter((service) => servesPort(service, scope))
    const cluster = encodeResource(
      ClusterSchema,
      name,
      {
        name,
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
        connectTimeout: duration(10_000),
        // Applications close idle connections on their own (Node after 5 s); a request must not meet that moment.
        ...httpOptions({ idleTimeoutMs: 4000, protocol: applicationProtocol(services, scope) }),
        loadAssignment: {
          clusterName: name,
          endpoints: [
            {
              lbEndpoints: [
                {
                  hostIdentifier: { case: 'endpoint', value: { address: socketAddress(appAddress, port) } },
                },
              ],
            },
          ],
        },
        metadata: weftMetadata({ origin: workload }, { services: services.map(istioService) }),
      },
      [workload],
    )
    return { resources: [cluster], problems: [], losers: [] }
  },
})

/** As the first Service that stands for the port declares it, or the port itself. */
function applicationProtocol(
  services: readonly Service[],
  workloadPort: { readonly name: string; readonly port: number },
): 'http1' | 'http2' {
  const declared = services.flatMap((service) =>
    service.spec.ports.filter((port) => targetPortOf(port, [workloadPort]) === workloadPort.port),
  )
  return speaksHttp2(declared[0] ?? workloadPort) ? 'http2' : 'http1'
}

/** A Service as Istio's metrics want it in cluster metadata. */
export function istioService(service: Service): { host: string; name: string; namespace: string } {
  const host = serviceHost(service)
  return { host, name: service.spec.host ?? service.id.name, namespace: service.id.namespace }
}

function servesPort(service: Service, workloadPort: { readonly name: string; readonly port: number }): boolean {
  return service.spec.ports.some((port) => targetPortOf(port, [workloadPort]) === workloadPort.port)
}
