// Listeners for traffic that the kernel redirects: virtual 15001 (outbound) and 15006 (inbound), as Istio's. What goes out
// is handed to the listener of its port (redirect-ports.ts), what comes in is found by the destination port of a chain.
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterChainSchema, ListenerFilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { OriginalDstSchema } from '@weft/xds/es/envoy/extensions/filters/listener/original_dst/v3/original_dst'
import { encodeResource, pack } from './encode.ts'
import { type BuiltResource, generator, type GeneratorProblem, type Loser, makeView } from './generator.ts'
import { inboundChains, type InboundRefs, sniffTimeout, tlsInspector } from './inbound-chains.ts'
import { inboundListener, inboundPorts, inboundRefs, type InboundScope, inboundScope } from './inbound-listeners.ts'
import { listenerMetadata } from './metrics.ts'
import { clusterForUnknown } from './sidecar-scope.ts'
import { socketAddress } from './socket-address.ts'
import { blackHole } from './static-clusters.ts'
import { tcpProxy } from './tcp-proxy.ts'
import type { Init } from './init.ts'

/** Any address of the workload. */
export const anyAddress = '0.0.0.0'
const outboundPort = 15001
const inboundPort = 15006

/** `virtualOutbound`, `virtualInbound` */
export const redirectListeners = generator({
  name: 'redirect-listeners',
  scope: (mesh, proxy) => ({
    ...inboundScope(mesh, proxy),
    unknown: clusterForUnknown(mesh, proxy),
  }),
  views: (mesh, scope) => [makeView<RedirectScope, InboundRefs>(scope, inboundRefs(mesh, scope))],
  build({ scope, refs }) {
    const inbound = virtualInbound(scope, refs)
    return {
      resources: [virtualOutbound(scope), inbound.resource],
      problems: inbound.problems,
      losers: inbound.losers,
    }
  },
})

/** `inbound_<address>_<port>` for ports that a Sidecar wants bound, so that callers can dial them. */
export const boundPorts = generator({
  name: 'bound-ports',
  scope: inboundScope,
  views(mesh, scope) {
    const refs = inboundRefs(mesh, scope)
    return inboundPorts(scope)
      .filter(({ bound }) => bound === true)
      .map((port) => makeView({ address: port.bind ?? anyAddress, ...port }, refs))
  },
  build: ({ scope, refs }) => inboundListener(scope, refs),
})

interface RedirectScope extends InboundScope {
  /** The cluster for what the mesh does not know. */
  readonly unknown: string
}

/** Hands a connection to the listener of its original port; what has none passes through. */
function virtualOutbound(scope: RedirectScope): BuiltResource {
  return encodeResource(
    ListenerSchema,
    'virtualOutbound',
    {
      name: 'virtualOutbound',
      address: socketAddress(anyAddress, outboundPort),
      trafficDirection: TrafficDirection.OUTBOUND,
      useOriginalDst: true,
      metadata: listenerMetadata(scope.workload, scope.accessLog),
      filterChains: [
        {
          // Dialled directly instead of redirected: forwarding would come back here for ever.
          name: 'virtualOutbound-trap',
          filterChainMatch: { destinationPort: outboundPort },
          filters: [tcpProxy([{ cluster: blackHole, weight: 1 }], scope.accessLog)],
        },
        {
          name: 'virtualOutbound-catchall-tcp',
          filters: [tcpProxy([{ cluster: scope.unknown, weight: 1 }], scope.accessLog)],
        },
      ],
    },
    [scope.workload],
  )
}

function virtualInbound(
  scope: InboundScope,
  refs: InboundRefs,
): { resource: BuiltResource; problems: GeneratorProblem[]; losers: Loser[] } {
  const ports = inboundPorts(scope)
    .filter(({ bound }) => bound !== true)
    .map((port) => inboundChains(port, refs, port.port))
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
      metadata: listenerMetadata(scope.workload, scope.accessLog),
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
