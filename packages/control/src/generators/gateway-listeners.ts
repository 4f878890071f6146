// One listener per port that the Gateways of a workload bind.
import type { Origin } from '@weft/core'
import { servingAddress } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { gatewayTarget } from '../gateway-api/data-plane.ts'
import { policiesOf } from '../policies/authorization.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { type PassedName, passedNames, passesByName } from './auto-passthrough.ts'
import { type Callers, ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type ChainRefs, type ChainScope, GatewayChains } from './gateway-chains.ts'
import { type Gateway, gatewayPorts, gatewaysOf, type PlacedServer, serversOf } from './gateways.ts'
import { generator, type Loser, makeView } from './generator.ts'
import { sniffTimeout, tlsInspector } from './inbound-chains.ts'
import { inboundScope } from './inbound-listeners.ts'
import { listenerMetadata } from './metrics.ts'
import { visibleTo } from './routes/virtual-hosts.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'
import { socketAddress } from './socket-address.ts'

interface ListenerScope extends ChainScope {
  readonly address: string
  /** Servers that found the port taken. */
  readonly refusedServers: readonly Loser[]
}

/** `gateway_<address>_<port>`, at the address the Workload asks for, or the server. */
export const gatewayListeners = generator({
  name: 'gateway-listeners',
  scope: (mesh, proxy) => ({
    ...inboundScope(mesh, proxy),
    meshAddress: proxy.instance.address,
    callers: ruleScope(mesh, proxy),
    address: servingAddress(proxy.instance),
  }),
  views(mesh, scope) {
    const { namespace, workload, trust, trustDomain, accessLog, labels, callers } = scope
    const policies = policiesOf(mesh, gatewayTarget(mesh, scope))
    const { ports, losers } = gatewayPorts(mesh, { ...scope, address: scope.meshAddress })
    return ports.map((port, index) => {
      const address = port.bind ?? scope.address
      const gateways = gatewaysOf(mesh, labels, port.servers)
      const virtualServices = port.kind === 'http' ? [] : connectionRules(mesh, gateways, namespace)
      const own = { ...port, bind: port.bind, address, statPrefix: `gateway_${address}_${port.port}` }
      return makeView<ListenerScope, ChainRefs>(
        {
          ...own,
          workload,
          namespace,
          trust,
          trustDomain,
          accessLog,
          passed: passedBy(mesh, serversOf(gateways, port.servers), callers),
          refusedServers: index === 0 ? losers : [],
        },
        { gateways, virtualServices, services: mesh.destinationsOf(virtualServices), ...policies },
      )
    })
  },
  build({ scope, refs }) {
    const { address, port, statPrefix: name } = scope
    const built = new GatewayChains(scope, refs)
    const losers = [...scope.refusedServers, ...built.losers]
    const { chains } = built
    // A proxy refuses a listener without chains, and nobody would be served.
    if (chains.length === 0) return { resources: [], problems: built.problems, losers }
    const origin = serversOf(refs.gateways, scope.servers)[0]?.origin ?? scope.workload
    const listener = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(address, port),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: listenerMetadata(origin, scope.accessLog),
        ...(scope.kind === 'tls' ? { listenerFilters: [tlsInspector()], listenerFiltersTimeout: sniffTimeout } : {}),
        filterChains: [...chains],
      },
      refs.gateways.map((gateway) => gateway.key),
    )
    return { resources: [listener], problems: built.problems, losers }
  },
})

function passedBy(
  mesh: MeshQuery,
  servers: readonly PlacedServer[],
  callers: Callers,
): Record<Origin, readonly PassedName[]> {
  return Object.fromEntries(
    servers.filter(passesByName).map((placed) => [placed.origin, passedNames(mesh, placed, callers)]),
  )
}

function connectionRules(mesh: MeshQuery, gateways: readonly Gateway[], namespace: string): VirtualService[] {
  const names = gateways.map(({ id }) => `${id.namespace}/${id.name}`)
  return visibleTo(mesh.virtualServicesOf(names), namespace, names).filter(
    ({ spec }) => spec.tls.length + spec.tcp.length > 0,
  )
}
