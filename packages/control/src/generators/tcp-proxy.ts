// The network filter that forwards bytes.
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import type { TrafficPolicy } from '@weft/resources'
import { serverNameLookup } from './dynamic-hosts.ts'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import { tcpHashPolicies, tcpIdleMs } from './routes/route-policies.ts'
import { tcpAccessLog } from './http-connection-manager.ts'
import type { Init } from './init.ts'
import type { Telemetry } from './telemetry.ts'

/** One arm of a TCP split. */
export interface TcpTarget {
  readonly cluster: string
  readonly weight: number
}

/** The filters of a chain that forwards bytes: where the client's server name says where they go, it is looked up first. */
export function tcpFilters(
  targets: readonly TcpTarget[],
  accessLog: Telemetry,
  policy: TrafficPolicy = {},
): Init<typeof FilterSchema>[] {
  return [...serverNameLookup(targets, accessLog.dynamic), tcpProxy(targets, accessLog, policy)]
}

/** Forwards to one cluster, or to several by weight. */
export function tcpProxy(
  targets: readonly TcpTarget[],
  accessLog: Telemetry,
  policy: TrafficPolicy = {},
): Init<typeof FilterSchema> {
  const idleMs = tcpIdleMs(policy)
  const first = targets[0]?.cluster ?? 'BlackHoleCluster'
  const config = pack(TcpProxySchema, {
    statPrefix: first,
    clusterSpecifier:
      targets.length > 1
        ? {
            case: 'weightedClusters',
            value: { clusters: targets.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          }
        : { case: 'cluster', value: first },
    ...(idleMs === undefined ? {} : { idleTimeout: duration(idleMs) }),
    hashPolicy: tcpHashPolicies(policy),
    accessLog: tcpAccessLog(accessLog),
  })
  return { name: 'envoy.filters.network.tcp_proxy', configType: { case: 'typedConfig', value: config } }
}
