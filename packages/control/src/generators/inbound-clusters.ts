// The application's own ports, behind the sidecar.
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { Origin } from '@weft/core'
import { targetPortOf } from '@weft/resources'
import { duration } from './config-source.ts'
import { encodeResource } from './encode.ts'
import { generator, makeView } from './generator.ts'
import { inboundCluster, type Service, serviceHost, speaksHttp2 } from './hosts.ts'
import { weftMetadata } from './metadata.ts'
import { type EntryPort, entryPortsOf } from './sidecar-scope.ts'
import { circuitBreakers, httpOptions, policyMembers } from './traffic-policy.ts'
import { pipeAddress, socketAddress } from './socket-address.ts'
import { workloadOrigin } from './inbound-listeners.ts'

/** `inbound|<port>||` */
export const inboundClusters = generator({
  name: 'inbound-clusters',
  scope: (mesh, proxy) => ({
    appAddress: proxy.instance.appAddress,
    namespace: proxy.instance.namespace,
    labels: proxy.instance.labels,
    workload: workloadOrigin(proxy.instance),
    flavor: proxy.flavor,
    ports: entryPortsOf(mesh, proxy),
  }),
  views(mesh, scope) {
    const services = mesh.servicesFor(scope)
    const { appAddress, workload, flavor } = scope
    return scope.ports.map(({ bind: _bind, bound: _bound, tls: _tls, missingSecrets: _missing, ...port }) =>
      makeView<PortView, { services: readonly Service[] }>({ appAddress, workload, flavor, ...port }, { services }),
    )
  },
  build({ scope, refs }) {
    const { port, workload } = scope
    const name = inboundCluster(port)
    const services = refs.services.filter((service) => servesPort(service, scope))
    const cluster = encodeResource(
      ClusterSchema,
      name,
      {
        name,
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
        ...limits(scope, services),
        loadAssignment: {
          clusterName: name,
          endpoints: [
            {
              lbEndpoints: [
                {
                  hostIdentifier: { case: 'endpoint', value: { address: applicationAddress(scope) } },
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

interface PortView extends EntryPort {
  readonly appAddress: string
  readonly workload: Origin
  readonly flavor: 'weft' | 'envoy'
}

/** Where the application listens: any address of the machine that a Sidecar names is the application's own here. */
function applicationAddress({ endpoint, appAddress, port }: PortView): ReturnType<typeof socketAddress> {
  if (endpoint?.startsWith('unix://') === true) return pipeAddress(endpoint.slice('unix://'.length))
  return socketAddress(
    appAddress,
    endpoint === undefined ? port : Number(endpoint.slice(endpoint.lastIndexOf(':') + 1)),
  )
}

/** Applications close idle connections on their own (Node after 5 s); a request must not meet that moment. */
const idleTimeout = '4s'

function limits(scope: PortView, services: readonly Service[]): ReturnType<typeof policyMembers> {
  const { connectionPool: pool } = scope
  const { useClientProtocol = false, h2UpgradePolicy } = pool?.http ?? {}
  const said = useClientProtocol ? 'downstream' : h2UpgradePolicy === 'UPGRADE' ? 'http2' : undefined
  const protocol = said ?? applicationProtocol(services, scope)
  if (pool === undefined) {
    return {
      connectTimeout: duration(10_000),
      circuitBreakers: circuitBreakers(),
      ...httpOptions({ idleTimeoutMs: 4000, protocol }),
    }
  }
  const connectionPool = { ...pool, http: { idleTimeout, ...pool.http } }
  return policyMembers({ connectionPool }, protocol)
}

/** As the first Service that stands for the port declares it, or the port itself. */
function applicationProtocol(services: readonly Service[], workloadPort: EntryPort): 'http1' | 'http2' {
  if (workloadPort.appProtocol !== undefined) return speaksHttp2(workloadPort) ? 'http2' : 'http1'
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
