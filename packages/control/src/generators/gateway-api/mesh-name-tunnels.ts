// A client of the explicit proxy names host and port in CONNECT, and the server inside it: where TLSRoutes tell servers apart, what is in the
// tunnel is looked at behind an internal listener of that port.
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { originOf } from '@weft/core'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, type Loser, makeView } from '../generator.ts'
import type { Service } from '../hosts.ts'
import { weftMetadata } from '../metadata.ts'
import { listenerMetadata } from '../metrics.ts'
import { internalCluster } from '../static-clusters.ts'
import { byNameFilters, namedChains } from '../stream-chains.ts'
import { tcpFilters } from '../tcp-proxy.ts'
import { type Telemetry, telemetryOf } from '../telemetry.ts'
import { type MeshRouteRefs, servicesNeeding } from './mesh-hosts.ts'
import { meshStreams, namesTunnel } from './mesh-streams.ts'

interface Refs extends MeshRouteRefs {
  readonly service: readonly Service[]
}

/** `tunnel|<port>||<host>`: listener and cluster */
export const meshNameTunnels = generator({
  name: 'mesh-name-tunnels',
  scope: (mesh, proxy) => ({
    namespace: proxy.instance.namespace,
    accessLog: telemetryOf(mesh, proxy, 'CLIENT'),
  }),
  views(mesh, { namespace, accessLog }) {
    return servicesNeeding(mesh, 'names', namespace).map(({ service, refs }) =>
      makeView<{ accessLog: Telemetry }, Refs>({ accessLog }, { service: [service], ...refs }),
    )
  },
  build({ scope, refs }) {
    const resources: BuiltResource[] = []
    const losers: Loser[] = []
    for (const service of refs.service) {
      for (const { port } of service.spec.ports) {
        const streams = meshStreams(refs, service, port)
        if (streams === undefined) continue
        losers.push(...streams.losers)
        if (streams.named.length > 0) resources.push(...tunnel(service, port, streams, scope.accessLog))
      }
    }
    return { resources, problems: [], losers }
  },
})

function tunnel(
  service: Service,
  port: number,
  { named, rest }: NonNullable<ReturnType<typeof meshStreams>>,
  accessLog: Telemetry,
): BuiltResource[] {
  const name = namesTunnel(service, port)
  const origin = originOf(service.id, '')
  const listener = encodeResource(
    ListenerSchema,
    name,
    {
      name,
      listenerSpecifier: { case: 'internalListener', value: {} },
      trafficDirection: TrafficDirection.OUTBOUND,
      metadata: listenerMetadata(origin, accessLog),
      ...byNameFilters,
      filterChains: namedChains(named, accessLog),
      defaultFilterChain: {
        name: 'tcp',
        metadata: weftMetadata({ origin: rest.origin }),
        filters: tcpFilters(rest.targets, accessLog),
      },
    },
    [origin],
  )
  return [internalCluster(name, [origin]), listener]
}
