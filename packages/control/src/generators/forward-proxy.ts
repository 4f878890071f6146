// Hosts that are forward proxies (`trafficPolicy.tunnel`): who connects to the host is led on through it, to the host at the end of the tunnel.
// The cluster of the host is an internal address, so that every way to it, splits and gateways too, goes through the tunnel; the listener
// behind that address asks the forward proxy, whose endpoints are those of a second cluster.
import type { TrafficPolicy } from '@weft/resources'
import { Cluster_DiscoveryType, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { duration } from './config-source.ts'
import { encodeResource, pack } from './encode.ts'
import type { BuiltResource } from './generator.ts'
import type { Init } from './init.ts'
import { tcpIdleMs } from './routes/route-policies.ts'
import { internalAddress } from './socket-address.ts'

type ClusterInit = Init<typeof ClusterSchema> & { readonly name: string }
type TunnelPolicy = Required<Pick<TrafficPolicy, 'tunnel'>> & TrafficPolicy

/** Whether a policy leads the bytes of a port through its host. */
export function isForwardProxy(policy: TrafficPolicy, kind: 'http' | 'tcp'): policy is TunnelPolicy {
  return kind === 'tcp' && policy.tunnel !== undefined
}

/** The cluster of a forward proxy, as three resources: the way in, the listener that asks for the tunnel, the proxy itself. */
export function throughForwardProxy(
  proxy: ClusterInit,
  policy: TunnelPolicy,
  origins: readonly string[],
): BuiltResource[] {
  const { name, metadata } = proxy
  const inner = `through|${name.slice(name.indexOf('|') + 1)}`
  const described = metadata === undefined ? {} : { metadata }
  const way = {
    name,
    clusterDiscoveryType: { case: 'type' as const, value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(10_000),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ hostIdentifier: { case: 'endpoint' as const, value: { address: internalAddress(inner) } } }],
        },
      ],
    },
    ...described,
  }
  const listener = {
    name: inner,
    listenerSpecifier: { case: 'internalListener' as const, value: {} },
    trafficDirection: TrafficDirection.OUTBOUND,
    ...described,
    filterChains: [{ name: 'tunnel', ...described, filters: [askForTunnel(inner, policy)] }],
  }
  return [
    encodeResource(ClusterSchema, name, way, origins),
    encodeResource(ClusterSchema, inner, { ...proxy, name: inner }, origins),
    encodeResource(ListenerSchema, inner, listener, origins),
  ]
}

function askForTunnel(cluster: string, policy: TunnelPolicy): Init<typeof FilterSchema> {
  const { protocol, targetHost, targetPort } = policy.tunnel
  const idleMs = tcpIdleMs(policy)
  const config = pack(TcpProxySchema, {
    statPrefix: cluster,
    clusterSpecifier: { case: 'cluster', value: cluster },
    tunnelingConfig: {
      hostname: `${targetHost.includes(':') ? `[${targetHost}]` : targetHost}:${targetPort}`,
      usePost: protocol === 'POST',
    },
    ...(idleMs === undefined ? {} : { idleTimeout: duration(idleMs) }),
  })
  return {
    name: 'envoy.filters.network.tcp_proxy',
    configType: { case: 'typedConfig', value: config },
  }
}
