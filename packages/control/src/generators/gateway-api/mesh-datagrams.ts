// UDPRoutes whose parent is a Service: a sidecar listens for the datagrams to the Service's port where its application calls the Service, and
// sends them where the oldest route says. Where the kernel redirects, it redirects no datagrams: there nothing reaches such a listener.
import { type Origin, originOf } from '@weft/core'
import { type DatagramPort, isUdpPort } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { routeRefs } from '../../gateway-api/gateway-refs.ts'
import { routesForCallers, routesOnPort } from '../../gateway-api/mesh-routes.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { MeshQuery } from '../../snapshot/mesh-query.ts'
import { encodeResource } from '../encode.ts'
import { type Built, generator, type Loser, makeView } from '../generator.ts'
import { type Service, serviceHost } from '../hosts.ts'
import { weftMetadata } from '../metadata.ts'
import { datagramAddress } from '../socket-address.ts'
import { type Telemetry, telemetryOf } from '../telemetry.ts'
import { datagramCluster, datagramShares } from './datagram-shares.ts'
import { type MeshRouteRefs, parentsNeeding, sidecarRefs } from './mesh-hosts.ts'
import { udpProxy } from './udp-proxy.ts'

/** A UDP port of a Service, and the routes that callers see for it, oldest first: at least one. */
interface RoutedPort {
  readonly service: Service
  readonly port: DatagramPort
  readonly routes: readonly [Route, ...Route[]]
}

/** The UDP ports that routes are for, as callers of a namespace see them. */
export function routedUdpPorts(mesh: MeshQuery, namespace: string): RoutedPort[] {
  return parentsNeeding(mesh, 'datagrams').flatMap((service) => {
    const all = mesh.meshRoutesOf(serviceHost(service)).filter(({ id }) => id.kind === 'UDPRoute')
    const seen = routesForCallers(all, service, namespace)
    return service.spec.datagramPorts.filter(isUdpPort).flatMap((port): RoutedPort[] => {
      const [first, ...later] = routesOnPort(seen, service, port)
      return first === undefined ? [] : [{ service, port, routes: [first, ...later] }]
    })
  })
}

interface Scope {
  readonly address: string
  readonly port: number
  readonly accessLog: Telemetry
}

interface Refs extends MeshRouteRefs {
  readonly service: readonly Service[]
}

/** `outbound-udp_<address>_<port>` */
export const meshDatagramListeners = generator({
  name: 'mesh-datagram-listeners',
  scope: (mesh, proxy) => ({
    namespace: proxy.instance.namespace,
    addresses: proxy.instance.outboundUdp ?? {},
    accessLog: telemetryOf(mesh, proxy, 'CLIENT'),
  }),
  views(mesh, { namespace, addresses, accessLog }) {
    if (Object.keys(addresses).length === 0) return []
    return routedUdpPorts(mesh, namespace).flatMap(({ service, port: { port }, routes: own }) => {
      const address = addresses[`${service.id.name}.${service.id.namespace}:${port}`]
      if (address === undefined) return []
      const { routes, grants, services, backends, attached } = routeRefs(mesh, own)
      // Traffic policies are about requests.
      const refs = { service: [service], routes, grants, services, backends, trafficPolicies: [], attached }
      return [makeView<Scope, Refs>({ address, port, accessLog }, refs)]
    })
  },
  build({ scope, refs }): Built {
    const [service] = refs.service
    const [route, ...later] = refs.routes
    if (service === undefined || route === undefined) return { resources: [], problems: [], losers: [] }
    const losers = later.map(({ key }) => lateRoute(key, route.key, `${serviceHost(service)}:${scope.port}`))
    const shares = datagramShares(route, sidecarRefs(refs))
    if (shares.length === 0) return { resources: [], problems: [], losers }
    const name = `outbound-udp_${scope.address}_${scope.port}`
    const resource = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: datagramAddress(scope.address, scope.port),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: weftMetadata({ origin: originOf(route.id, 'spec.rules[0]') }),
        listenerFilters: [udpProxy(datagramCluster(route, shares), scope.accessLog)],
      },
      [originOf(service.id, ''), route.key],
    )
    return { resources: [resource], problems: [], losers }
  },
})

function lateRoute(origin: Origin, by: Origin, port: string): Loser {
  return { origin, reason: 'port-conflict', by, detail: `the datagrams to ${port} go by an older route` }
}
