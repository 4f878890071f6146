// What a workload sends through in explicit mode: the HTTP proxy, the inside of its CONNECT tunnels, and TCP listeners.
import { type Origin, originOf } from '@weft/core'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { HttpInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/http_inspector/v3/http_inspector'
import { type DestinationRule, ruleScope } from './destination-rules.ts'
import { encodeResource, pack } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { meshRouteRefs, type MeshRouteRefs, noMeshRoutes } from './gateway-api/mesh-hosts.ts'
import { meshStreams } from './gateway-api/mesh-streams.ts'
import { type Service, serviceHost } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { sniffTimeout, tlsInspector } from './inbound-chains.ts'
import { workloadOrigin } from './inbound-listeners.ts'
import { weftMetadata } from './metadata.ts'
import { listenerMetadata } from './metrics.ts'
import { callerScope, outboundHttp } from './outbound-routes.ts'
import { policyFinder, routeRules } from './routes/route-policies.ts'
import { inMesh } from './routes/virtual-hosts.ts'
import { rulesConnections, tcpArms } from './routes/tcp-routes.ts'
import type { VirtualService } from './routes/virtual-service-routes.ts'
import { socketAddress } from './socket-address.ts'
import { tunnelName } from './static-clusters.ts'
import { streamChains } from './stream-chains.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { type Telemetry, telemetryOf } from './telemetry.ts'
import type { Init } from './init.ts'

/** Port of the explicit HTTP proxy. */
const outboundPort = 15001

interface OutboundView {
  readonly address: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly workload: Origin
  readonly accessLog: Telemetry
  /** `http`: the proxy and the tunnel; otherwise the TCP listener at `address` for this port. */
  readonly port: 'http' | number
}

interface OutboundRefs extends MeshRouteRefs {
  readonly service: readonly Service[]
  readonly destinations: readonly Service[]
  readonly virtualServices: readonly VirtualService[]
  readonly rules: readonly DestinationRule[]
}

/** `outbound-http`, `tunnel`, `outbound-tcp_<address>_<port>` */
export const outboundListeners = generator({
  name: 'outbound-listeners',
  scope: (mesh, proxy) => ({
    ...callerScope(mesh, proxy),
    address: proxy.instance.address,
    workload: workloadOrigin(proxy.instance),
    accessLog: telemetryOf(mesh, proxy, 'CLIENT'),
    outboundTcp: proxy.instance.outboundTcp,
    callers: ruleScope(mesh, proxy),
  }),
  views(mesh, { outboundTcp, callers, ...scope }) {
    const http = makeView<OutboundView, OutboundRefs>(
      { ...scope, labels: {}, port: 'http' },
      { service: [], destinations: [], virtualServices: [], rules: [], ...noMeshRoutes },
    )
    const tcp = Object.entries(outboundTcp).flatMap(([target, address]) => {
      const match = /^([^.:]+)\.([^.:]+):(\d+)$/.exec(target)
      if (match === null) return []
      const service = mesh.service(`${match[1]}.${match[2]}.svc.cluster.local`)
      if (service === undefined) return []
      const virtualServices = inMesh(mesh, serviceHost(service), scope.namespace).filter(rulesConnections)
      const destinations = mesh.destinationsOf(virtualServices)
      return [
        makeView<OutboundView, OutboundRefs>(
          { ...scope, address, port: Number(match[3]) },
          {
            service: [service],
            destinations,
            virtualServices,
            rules: routeRules(mesh, [...new Set([service, ...destinations])], callers),
            ...meshRouteRefs(mesh, service, scope.namespace).refs,
          },
        ),
      ]
    })
    return [http, ...tcp]
  },
  build({ scope, refs }) {
    const [service] = refs.service
    if (scope.port === 'http' || service === undefined) {
      return { resources: [httpProxy(scope), tunnel(scope)], problems: [], losers: [] }
    }
    const { virtualServices, destinations } = refs
    const policyOf = policyFinder(refs.rules)
    const ruled = tcpArms(service, scope.port, { virtualServices, services: destinations }, scope, policyOf)
    const streams = meshStreams(refs, service, scope.port)
    const { chains, sniffing } = streamChains(ruled, streams, scope.accessLog)
    const name = `outbound-tcp_${scope.address}_${scope.port}`
    const resource = encodeResource(
      ListenerSchema,
      name,
      {
        name,
        address: socketAddress(scope.address, scope.port),
        trafficDirection: TrafficDirection.OUTBOUND,
        metadata: listenerMetadata(originOf(service.id, ''), scope.accessLog),
        ...sniffing,
        filterChains: [...chains],
      },
      [originOf(service.id, '')],
    )
    return { resources: [resource], problems: [], losers: [...ruled.losers, ...(streams?.losers ?? [])] }
  },
})

function hcm(scope: OutboundView): ReturnType<typeof httpConnectionManager> {
  return httpConnectionManager({
    side: 'outbound',
    statPrefix: outboundHttp,
    routes: outboundHttp,
    accessLog: scope.accessLog,
  })
}

function httpProxy(scope: OutboundView): BuiltResource {
  const metadata = weftMetadata({ origin: scope.workload })
  return encodeResource(
    ListenerSchema,
    outboundHttp,
    {
      name: outboundHttp,
      address: socketAddress(scope.address, outboundPort),
      trafficDirection: TrafficDirection.OUTBOUND,
      metadata: listenerMetadata(scope.workload, scope.accessLog),
      filterChains: [{ name: 'http', metadata, filters: [hcm(scope)] }],
    },
    [scope.workload],
  )
}

/** HTTP inside a tunnel gets the same routes; anything else has no name to go by. */
function tunnel(scope: OutboundView): BuiltResource {
  const metadata = weftMetadata({ origin: scope.workload })
  return encodeResource(
    ListenerSchema,
    tunnelName,
    {
      name: tunnelName,
      listenerSpecifier: { case: 'internalListener', value: {} },
      trafficDirection: TrafficDirection.OUTBOUND,
      metadata: listenerMetadata(scope.workload, scope.accessLog),
      listenerFilters: [tlsInspector(), httpInspector()],
      listenerFiltersTimeout: sniffTimeout,
      filterChains: [
        {
          name: 'http',
          filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: sniffedHttp },
          metadata,
          filters: [hcm(scope)],
        },
      ],
      defaultFilterChain: { name: 'blackhole', metadata, filters: [tcpProxy([], scope.accessLog)] },
    },
    [scope.workload],
  )
}

/** What the detection of HTTP may have found; `h2c` is HTTP/2 without TLS. */
export const sniffedHttp = ['http/1.0', 'http/1.1', 'h2c']

/** Detection of HTTP by its first bytes. */
export function httpInspector(): Init<typeof ListenerFilterSchema> {
  return {
    name: 'envoy.filters.listener.http_inspector',
    configType: { case: 'typedConfig', value: pack(HttpInspectorSchema) },
  }
}
