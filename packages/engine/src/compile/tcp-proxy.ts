// envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.
import type * as lean from '@weft/xds/lean'
import type { TcpProxy, Tunneling } from '../model.ts'
import { compileAccessLogs } from './access-log.ts'
import { compileFormat } from './format.ts'
import { compileHeaderOptions } from './header-rules.ts'
import { type Context, refuse } from './refusal.ts'

/** A decoded TcpProxy with Envoy's defaults. */
export function compileTcpProxy(context: Context, at: string, proxy: lean.TcpProxy): TcpProxy {
  const clusters =
    proxy.weightedClusters?.clusters ?? (proxy.cluster === undefined ? [] : [{ name: proxy.cluster, weight: 1 }])
  if (clusters.length === 0) return refuse(at, 'names no cluster')
  for (const [index, leg] of clusters.entries()) {
    if (leg.weight < 1) refuse(`${at}.weighted_clusters.clusters[${index}].weight`, 'must be at least 1')
  }
  const maxConnectAttempts = proxy.maxConnectAttempts ?? 1
  if (maxConnectAttempts < 1) refuse(`${at}.max_connect_attempts`, 'must be at least 1')
  const { tunnelingConfig } = proxy
  return {
    kind: 'tcp',
    statPrefix: proxy.statPrefix,
    clusters,
    idleTimeoutMs: proxy.idleTimeout ?? 3_600_000,
    maxConnectAttempts,
    hashesClient: proxy.hashPolicy.some(({ sourceIp }) => sourceIp !== undefined),
    maxDownstreamConnectionDurationMs: proxy.maxDownstreamConnectionDuration ?? 0,
    ...(tunnelingConfig === undefined
      ? {}
      : { tunneling: compileTunneling(`${at}.tunneling_config`, tunnelingConfig) }),
    accessLogs: compileAccessLogs(context, `${at}.access_log`, proxy.accessLog),
  }
}

function compileTunneling(at: string, config: lean.TcpProxy_TunnelingConfig): Tunneling {
  if (config.hostname === '') refuse(`${at}.hostname`, 'is empty')
  if (!config.usePost && config.postPath !== '') refuse(`${at}.post_path`, 'is for use_post only')
  if (config.usePost && config.postPath !== '' && !config.postPath.startsWith('/'))
    refuse(`${at}.post_path`, 'must begin with /')
  return {
    hostname: compileFormat(`${at}.hostname`, config.hostname),
    post: config.usePost ? config.postPath || '/' : undefined,
    headers: compileHeaderOptions(`${at}.headers_to_add`, config.headersToAdd),
  }
}
