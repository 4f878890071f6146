// Listeners for some hosts alone, on a port of their own, as a Sidecar asks for.
import { joinMeshRefs, meshRouteRefs, type MeshRouteRefs, ownMeshRefs } from './gateway-api/mesh-hosts.ts'
import { meshStreams } from './gateway-api/mesh-streams.ts'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterChainSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { type DestinationRule, ruleScope } from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, type Loser, makeView } from './generator.ts'
import { type HttpRetry, isHttpPort } from '@weft/resources'
import { portKind, type Service, serviceHost } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { listenerMetadata } from './metrics.ts'
import { addService, callerOf, callerScope, importedRules } from './outbound-routes.ts'
import { serviceIndex, VirtualHostBuilder, virtualServicesFor } from './routes/virtual-hosts.ts'
import { policyFinder, routeRules } from './routes/route-policies.ts'
import { rulesConnections, tcpArms } from './routes/tcp-routes.ts'
import type { Caller, VirtualService } from './routes/virtual-service-routes.ts'
import { isSeen } from './service-references.ts'
import { covers, type EgressPort, egressPortsOf } from './sidecar-scope.ts'
import { socketAddress } from './socket-address.ts'
import { streamChains } from './stream-chains.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { type Telemetry, telemetryOf } from './telemetry.ts'

interface EgressView {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly retries?: HttpRetry
  readonly listener: EgressPort
  readonly address: string
  readonly bindToPort: boolean
  readonly accessLog: Telemetry
}

interface EgressRefs extends Omit<MeshRouteRefs, 'services'> {
  /** Where routes of the Gateway API send to. */
  readonly targets: MeshRouteRefs['services']
  /** Hosts with that port, by key. */
  readonly services: readonly Service[]
  readonly virtualServices: readonly VirtualService[]
  readonly destinations: readonly Service[]
  /** DestinationRules that routes depend on. */
  readonly rules: readonly DestinationRule[]
}

/** `egress_<address>_<port>`: a listener, and for HTTP the routes of the hosts that have that port */
export const egressListeners = generator({
  name: 'egress-listeners',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    listeners: egressPortsOf(mesh, proxy),
    explicit: proxy.interception === 'explicit',
    address: proxy.instance.address,
    accessLog: telemetryOf(mesh, proxy, 'CLIENT'),
    callers: ruleScope(mesh, proxy),
  }),
  views(mesh, { listeners, explicit, address, callers, ...scope }) {
    return listeners.map((listener) => {
      const services = mesh
        .services()
        .filter(
          (service) =>
            service.spec.ports.some(({ port }) => port === listener.port) &&
            covers(listener.hosts, service.id.namespace, serviceHost(service)) &&
            isSeen(mesh, service, scope),
        )
      const virtualServices = services.flatMap((each) => importedRules(mesh, each, scope.namespace, listener.hosts))
      const own = [...new Set(virtualServices)]
      const destinations = mesh.destinationsOf(own)
      const hosts = [...new Set([...services, ...destinations])]
      const routed = joinMeshRefs(services.map((each) => meshRouteRefs(mesh, each, scope.namespace).refs))
      const { services: targets, ...routes } = routed
      const attached = [...new Set([...hosts.flatMap(({ id }) => mesh.policiesOn(id)), ...routes.attached])]
      const rules = routeRules(mesh, hosts, callers)
      const bindToPort = explicit || listener.bound
      return makeView<EgressView, EgressRefs>(
        { ...scope, listener, bindToPort, address: listener.bind ?? (bindToPort && explicit ? address : '0.0.0.0') },
        { ...routes, attached, targets, services, virtualServices: own, destinations, rules },
      )
    })
  },
  build({ scope, refs }) {
    const name = `egress_${scope.address}_${scope.listener.port}`
    const http = isHttpPort({ name: '', appProtocol: scope.listener.protocol.toLowerCase() })
    const { chains, sniffing, resources, losers } = http ? httpFilter(name, scope, refs) : bytesFilter(scope, refs)
    const { origin, port } = scope.listener
    const metadata = weftMetadata({ origin })
    const listener = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(scope.address, port),
        ...(scope.bindToPort ? {} : { bindToPort: false }),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: listenerMetadata(origin, scope.accessLog),
        ...sniffing,
        filterChains: chains.map((chain) => ({ ...chain, metadata })),
      },
      [origin],
    )
    return { resources: [listener, ...resources], problems: [], losers }
  },
})

interface Egress {
  readonly chains: readonly Init<typeof FilterChainSchema>[]
  /** What looks at a connection before its chain is found. */
  readonly sniffing?: ReturnType<typeof streamChains>['sniffing']
  readonly resources: readonly BuiltResource[]
  readonly losers: readonly Loser[]
}

function httpFilter(name: string, scope: EgressView, refs: EgressRefs): Egress {
  const { listener } = scope
  const services = serviceIndex(refs.destinations)
  const builder = new VirtualHostBuilder(services, refs.rules, refs.attached)
  const routes = { ...refs, services: refs.targets }
  const caller: Caller = { ...callerOf(scope), port: listener.port }
  for (const service of refs.services) {
    const virtualServices = virtualServicesFor(serviceHost(service), refs.virtualServices)
    const onPort = {
      ...service,
      spec: { ...service.spec, ports: service.spec.ports.filter(({ port }) => port === listener.port) },
    }
    const { destinations, rules } = refs
    const routed = ownMeshRefs(routes, service, scope.namespace)
    const own = { service: [onPort], virtualServices, destinations, rules, taken: [], ...routed }
    addService(builder, onPort, { services, caller, tunnel: false, refs: own })
  }
  const configuration = encodeResource(
    RouteConfigurationSchema,
    name,
    {
      name,
      // The listener is for the port: whether callers write it makes no difference.
      virtualHosts: builder.hosts.map(({ domains = [], ...host }) => ({
        ...host,
        domains: [...new Set(domains.flatMap((domain) => [domain.replace(/:\d+$/, ''), domain]))],
      })),
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
    },
    [listener.origin, ...builder.origins],
  )
  const filter = httpConnectionManager({
    side: 'outbound',
    statPrefix: name,
    routes: name,
    port: scope.listener.port,
    accessLog: scope.accessLog,
  })
  return { chains: [{ name: 'http', filters: [filter] }], resources: [configuration], losers: builder.losers }
}

/** Bytes have no name to go by: they go to the first of the hosts. */
function bytesFilter({ namespace, labels, listener, accessLog }: EgressView, refs: EgressRefs): Egress {
  const service = refs.services.find(({ spec }) =>
    spec.ports.some((port) => port.port === listener.port && portKind(port) === 'tcp'),
  )
  if (service === undefined)
    return { chains: [{ name: 'tcp', filters: [tcpProxy([], accessLog)] }], resources: [], losers: [] }
  const virtualServices = virtualServicesFor(serviceHost(service), refs.virtualServices).filter(rulesConnections)
  const refsOf = { services: refs.destinations, virtualServices }
  const ruled = tcpArms(service, listener.port, refsOf, { namespace, labels }, policyFinder(refs.rules))
  const routed = ownMeshRefs({ ...refs, services: refs.targets }, service, namespace)
  const streams = meshStreams(routed, service, listener.port)
  const losers = [...ruled.losers, ...(streams?.losers ?? [])]
  return { ...streamChains(ruled, streams, accessLog), resources: [], losers }
}
