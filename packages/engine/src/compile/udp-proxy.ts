// envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig, the filter of a UDP listener.
import * as lean from '@weft/xds/lean'
import type { UdpProxy } from '../model.ts'
import { compileAccessLogs } from './access-log.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** Envoy's `max_rx_datagram_size` when it is not set, on either side. */
const defaultDatagramBytes = 1500
/** The largest that UDP over IPv4 carries. */
const maxDatagramBytes = 65_507

/** The filter of a listener whose address is UDP: exactly one, a UDP proxy. */
export function compileUdpProxy(context: Context, listener: lean.Listener): UdpProxy {
  const [filter, ...more] = listener.listenerFilters
  if (filter === undefined)
    return refuse('listener_filters', 'a UDP listener needs envoy.filters.udp_listener.udp_proxy')
  if (more.length > 0) return refuse('listener_filters[1]', 'a UDP listener has one filter')
  if (listener.filterChains.length > 0 || listener.defaultFilterChain !== undefined)
    return refuse('filter_chains', 'a UDP listener has no filter chains (QUIC is not supported)')
  const at = 'listener_filters[0].typed_config'
  const any = filter.typedConfig
  if (any?.typeUrl !== lean.typeUrls.UdpProxyConfig)
    return refuse(at, `the listener filter "${filter.name}" (${any?.typeUrl ?? 'nothing'}) is not known for UDP`)
  const proxy = readPart(context, at, lean.readUdpProxyConfig, any.value)
  // They choose in clusters that hash, which are refused; elsewhere Envoy passes over them too.
  if (proxy.hashPolicies.length > 0)
    context.unlisted.push('envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.hash_policies')
  if (proxy.proxyAccessLog.length > 0)
    context.unlisted.push('envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.proxy_access_log')
  const idleTimeoutMs = proxy.idleTimeout ?? 60_000
  if (idleTimeoutMs <= 0) refuse(`${at}.idle_timeout`, 'must be more than 0')
  return {
    statPrefix: proxy.statPrefix,
    cluster: clusterOf(context, at, proxy),
    idleTimeoutMs,
    maxDatagramBytes: {
      downstream: datagramBytes('udp_listener_config', listener.udpListenerConfig?.downstreamSocketConfig),
      upstream: datagramBytes(`${at}.upstream_socket_config`, proxy.upstreamSocketConfig),
    },
    perPacket: proxy.usePerPacketLoadBalancing,
    sessionLogs: compileAccessLogs(context, `${at}.access_log`, proxy.accessLog),
  }
}

function datagramBytes(at: string, config: lean.UdpSocketConfig | undefined): number {
  const size = config?.maxRxDatagramSize
  if (size === undefined) return defaultDatagramBytes
  const bytes = Number(size)
  if (bytes < 1 || bytes >= 65_536) return refuse(`${at}.max_rx_datagram_size`, 'must be between 1 and 65535')
  return Math.min(bytes, maxDatagramBytes)
}

/** `cluster`, or a matcher that asks nothing and names one in `on_no_match`. */
function clusterOf(context: Context, at: string, proxy: lean.UdpProxyConfig): string {
  if (proxy.cluster !== undefined && proxy.cluster !== '') return proxy.cluster
  if (proxy.matcher === undefined) return refuse(at, 'names no cluster')
  const action = proxy.matcher.onNoMatch?.action?.typedConfig
  if (action?.typeUrl !== lean.typeUrls.UdpRoute)
    return refuse(`${at}.matcher`, 'only on_no_match with a Route action is supported')
  const { cluster } = readPart(context, `${at}.matcher.on_no_match.action`, lean.readUdpRoute, action.value)
  return cluster === '' ? refuse(`${at}.matcher.on_no_match.action`, 'names no cluster') : cluster
}
