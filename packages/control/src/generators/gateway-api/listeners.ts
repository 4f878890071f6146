// One listener per port of the Gateways (of the Gateway API) that a workload serves.
import { originOf } from '@weft/core'
import { servingAddress } from '@weft/resources'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { gatewayTarget } from '../../gateway-api/data-plane.ts'
import { gatewayModel } from '../../gateway-api/gateway-model.ts'
import { policiesOf, type SelectedPolicies } from '../../policies/authorization.ts'
import { GatewayAuthorizations } from '../../policies/gateway-authorizations.ts'
import { encodeResource } from '../encode.ts'
import { type Built, type BuiltResource, generator, type Loser, makeView, type ProxyRef } from '../generator.ts'
import { sniffTimeout, tlsInspector } from '../inbound-chains.ts'
import { type InboundScope, inboundScope } from '../inbound-listeners.ts'
import { weftMetadata } from '../metadata.ts'
import { listenerMetadata } from '../metrics.ts'
import { datagramAddress, socketAddress } from '../socket-address.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import { datagramCluster, datagramShares } from './datagram-shares.ts'
import { dataPlaneRefs, takenByIstio, type TakenPorts } from './data-plane-refs.ts'
import { type ChainContext, ListenerChains } from './listener-chains.ts'
import { type ServedPort, servedPorts } from './ports.ts'
import { udpProxy } from './udp-proxy.ts'

type Scope = Pick<InboundScope, 'address' | 'trustDomain' | 'accessLog'> &
  Pick<ProxyRef, 'flavor'> & { readonly taken: TakenPorts; readonly rootNamespace: string }

/** `gateway_<address>_<port>`, at the address the Workload asks for; UDP ports end in `_udp`. */
export const gatewayApiListeners = generator({
  name: 'gateway-api-listeners',
  scope: (mesh, proxy) => ({
    ...inboundScope(mesh, proxy),
    address: servingAddress(proxy.instance),
    meshAddress: proxy.instance.address,
    flavor: proxy.flavor,
  }),
  views(mesh, scope) {
    const target = gatewayTarget(mesh, scope)
    const { gateways } = target
    if (gateways.length === 0) return []
    const { address, trustDomain, accessLog, flavor } = scope
    const taken = takenByIstio(mesh, { ...scope, address: scope.meshAddress })
    const refs = { ...dataPlaneRefs(mesh, gateways), ...policiesOf(mesh, target) }
    const { rootNamespace } = mesh.settings
    const own = { address, trustDomain, rootNamespace, accessLog, flavor, taken }
    return [makeView<Scope, GatewayRefs & SelectedPolicies>(own, refs)]
  },
  build({ scope, refs }): Built {
    const models = refs.gateways.map((gateway) => gatewayModel(gateway, refs))
    const { ports, losers } = servedPorts(models, scope.taken)
    const authorization = new GatewayAuthorizations(refs, { ...scope, enforcer: scope.accessLog })
    const resources: BuiltResource[] = []
    const found: Loser[] = [...losers]
    for (const port of ports) {
      const statPrefix = `gateway_${scope.address}_${port.port}`
      const context = { statPrefix, refs, authorization, accessLog: scope.accessLog, flavor: scope.flavor }
      if (port.kind === 'udp') resources.push(...datagrams(port, scope.address, context))
      else {
        const built = new ListenerChains(port, context)
        found.push(...built.losers)
        if (built.chains.length > 0) resources.push(connections(port, scope.address, context, built.chains))
      }
    }
    return { resources, problems: authorization.problems, losers: found }
  },
})

function connections(
  { port, kind, served }: ServedPort,
  address: string,
  { statPrefix: name, accessLog }: ChainContext,
  filterChains: ListenerChains['chains'],
): BuiltResource {
  const origin = served[0]?.listener.origin ?? ''
  return encodeResource(
    ListenerSchema,
    name,
    {
      name,
      address: socketAddress(address, port),
      trafficDirection: TrafficDirection.OUTBOUND,
      metadata: listenerMetadata(origin, accessLog),
      ...(kind === 'tls' ? { listenerFilters: [tlsInspector()], listenerFiltersTimeout: sniffTimeout } : {}),
      filterChains,
    },
    originsOf(served),
  )
}

/** A port without a route takes no datagrams: nobody could be told that they go nowhere. */
function datagrams(
  { port, served }: ServedPort,
  address: string,
  { statPrefix, refs, accessLog }: ChainContext,
): BuiltResource[] {
  const [one] = served
  const route = one?.model.attached.find(({ listener }) => listener === one.listener)?.route
  if (one === undefined || route === undefined) return []
  const shares = datagramShares(route, refs)
  if (shares.length === 0) return []
  const origin = originOf(route.id, 'spec.rules[0]')
  const name = `${statPrefix}_udp`
  return [
    encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: datagramAddress(address, port),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: weftMetadata({ origin }),
        listenerFilters: [udpProxy(datagramCluster(route, shares), accessLog)],
      },
      originsOf(served),
    ),
  ]
}

function originsOf(served: ServedPort['served']): string[] {
  return [...new Set(served.map(({ listener }) => listener.owner.key))]
}
