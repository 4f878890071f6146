// Listeners for traffic that the kernel redirects: virtual 15001 (outbound) and 15006 (inbound), as Istio's. Outbound HTTP is
// found by the port that was dialled, inbound by the destination port of a chain.
import { type Origin, originOf } from '@weft/core'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterChainSchema, ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { OriginalDstSchema } from '@weft/xds/es/envoy/extensions/filters/listener/original_dst/v3/original_dst'
import { encodeResource, pack } from './encode.ts'
import { type BuiltResource, generator, type GeneratorProblem, type Loser, makeView } from './generator.ts'
import { portKind, type Service } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { inboundChains, type InboundRefs, sniffTimeout, tlsInspector } from './inbound-chains.ts'
import { inboundPorts, inboundRefs, type InboundScope, inboundScope } from './inbound-listeners.ts'
import { weftMetadata } from './metadata.ts'
import { httpInspector, sniffedHttp } from './outbound-listeners.ts'
import { outboundHttp } from './outbound-routes.ts'
import { socketAddress } from './socket-address.ts'
import { blackHole, passthrough } from './static-clusters.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { telemetryOf } from './telemetry.ts'
import type { Init } from './init.ts'

/** Any address of the workload. */
const anyAddress = '0.0.0.0'
const outboundPort = 15001
const inboundPort = 15006

/** `virtualOutbound`, `virtualInbound` */
export const redirectListeners = generator({
  name: 'redirect-listeners',
  scope: inboundScope,
  views: (mesh, scope) => [makeView<InboundScope, InboundRefs>(scope, inboundRefs(mesh, scope))],
  build({ scope, refs }) {
    const inbound = virtualInbound(scope, refs)
    return {
      resources: [virtualOutbound(scope), inbound.resource],
      problems: inbound.problems,
      losers: inbound.losers,
    }
  },
})

/** `0.0.0.0_<port>` per outbound HTTP port: the same for all redirected proxies. */
export const redirectPorts = generator({
  name: 'redirect-ports',
  scope: (mesh, proxy) => ({ accessLog: telemetryOf(mesh, proxy) }),
  views: (mesh, scope) => [makeView(scope, { services: mesh.services() })],
  build: ({ scope, refs }) => ({ resources: outboundPorts(scope, refs.services), problems: [], losers: [] }),
})

/** Hands a connection to the listener of its original port; what has none passes through. */
function virtualOutbound(scope: InboundScope): BuiltResource {
  return encodeResource(
    ListenerSchema,
    'virtualOutbound',
    {
      name: 'virtualOutbound',
      address: socketAddress(anyAddress, outboundPort),
      trafficDirection: TrafficDirection.OUTBOUND,
      useOriginalDst: true,
      metadata: weftMetadata({ origin: scope.workload }),
      filterChains: [
        {
          // Dialled directly instead of redirected: forwarding would come back here for ever.
          name: 'virtualOutbound-trap',
          filterChainMatch: { destinationPort: outboundPort },
          filters: [tcpProxy([{ cluster: blackHole, weight: 1 }], scope.accessLog)],
        },
        {
          name: 'virtualOutbound-catchall-tcp',
          filters: [tcpProxy([{ cluster: passthrough, weight: 1 }], scope.accessLog)],
        },
      ],
    },
    [scope.workload],
  )
}

/** One unbound listener per HTTP port in the mesh. */
function outboundPorts({ accessLog }: Pick<InboundScope, 'accessLog'>, services: readonly Service[]): BuiltResource[] {
  const ports = new Map<number, Origin>()
  for (const service of services) {
    for (const port of service.spec.ports) {
      if (portKind(port) === 'http' && !ports.has(port.port)) ports.set(port.port, originOf(service.id, ''))
    }
  }
  return [...ports]
    .sort(([a], [b]) => a - b)
    .map(([port, origin]) => {
      const name = `${anyAddress}_${port}`
      const hcm = httpConnectionManager({
        side: 'outbound',
        statPrefix: `outbound_${name}`,
        routes: outboundHttp,
        accessLog,
      })
      return encodeResource(
        ListenerSchema,
        name,
        {
          name,
          address: socketAddress(anyAddress, port),
          bindToPort: false,
          trafficDirection: TrafficDirection.OUTBOUND,
          metadata: weftMetadata({ origin }),
          listenerFilters: [tlsInspector(), httpInspector()],
          listenerFiltersTimeout: sniffTimeout,
          continueOnListenerFiltersTimeout: true,
          filterChains: [
            {
              name: 'http',
              filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: sniffedHttp },
              metadata: weftMetadata({ origin }),
              filters: [hcm],
            },
          ],
          defaultFilterChain: {
            name: 'passthrough',
            filters: [tcpProxy([{ cluster: passthrough, weight: 1 }], accessLog)],
          },
        },
        [origin],
      )
    })
}

function virtualInbound(
  scope: InboundScope,
  refs: InboundRefs,
): { resource: BuiltResource; problems: GeneratorProblem[]; losers: Loser[] } {
  const ports = inboundPorts(scope).map((port) => inboundChains(port, refs, port.port))
  const trap: Init<typeof FilterChainSchema> = {
    name: 'virtualInbound-blackhole',
    filterChainMatch: { destinationPort: inboundPort },
    filters: [tcpProxy([{ cluster: blackHole, weight: 1 }], scope.accessLog)],
  }
  const resource = encodeResource(
    ListenerSchema,
    'virtualInbound',
    {
      name: 'virtualInbound',
      address: socketAddress(anyAddress, inboundPort),
      trafficDirection: TrafficDirection.INBOUND,
      metadata: weftMetadata({ origin: scope.workload }),
      listenerFilters: [originalDst(), tlsInspector()],
      listenerFiltersTimeout: sniffTimeout,
      filterChains: [trap, ...ports.flatMap((port) => port.chains)],
    },
    [scope.workload, ...ports.map((port) => port.origin)],
  )
  return {
    resource,
    problems: ports.flatMap((port) => port.problems),
    losers: ports.flatMap((port) => port.losers),
  }
}

function originalDst(): Init<typeof ListenerFilterSchema> {
  return {
    name: 'envoy.filters.listener.original_dst',
    configType: { case: 'typedConfig', value: pack(OriginalDstSchema) },
  }
}
