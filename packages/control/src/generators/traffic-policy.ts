// A DestinationRule's policy as members of a Cluster.
import { type ConnectionPool, durationMs, type PortTrafficPolicy } from '@weft/resources'
import type { CircuitBreakersSchema } from '@weft/xds/es/envoy/config/cluster/v3/circuit_breaker'
import { type ClusterSchema, Cluster_LbPolicy } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { HttpProtocolOptionsSchema } from '@weft/xds/es/envoy/extensions/upstreams/http/v3/http_protocol_options'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import type { Init } from './init.ts'

type ClusterInit = Init<typeof ClusterSchema>

/** Istio's "unlimited". */
const unlimited = 4_294_967_295
const httpOptionsKey = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

const lbPolicies = {
  ROUND_ROBIN: Cluster_LbPolicy.ROUND_ROBIN,
  LEAST_REQUEST: Cluster_LbPolicy.LEAST_REQUEST,
  RANDOM: Cluster_LbPolicy.RANDOM,
} as const

/** Balancing, limits and timeouts. */
export function policyMembers(policy: PortTrafficPolicy): ClusterInit {
  const { connectionPool } = policy
  return {
    lbPolicy: lbPolicies[policy.loadBalancer?.simple ?? 'LEAST_REQUEST'],
    connectTimeout: duration(durationMs(connectionPool?.tcp?.connectTimeout) ?? 10_000),
    circuitBreakers: circuitBreakers(connectionPool),
    ...httpOptions({
      idleTimeoutMs: durationMs(connectionPool?.http?.idleTimeout),
      maxRequestsPerConnection: connectionPool?.http?.maxRequestsPerConnection,
    }),
  }
}

/** Options of the HTTP/1.1 connections to a cluster; empty when there is nothing to say. */
export function httpOptions(options: {
  readonly idleTimeoutMs?: number | undefined
  readonly maxRequestsPerConnection?: number | undefined
}): Pick<ClusterInit, 'typedExtensionProtocolOptions'> {
  const { idleTimeoutMs, maxRequestsPerConnection } = options
  if (idleTimeoutMs === undefined && maxRequestsPerConnection === undefined) return {}
  const packed = pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: {
      ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
    },
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
    },
  })
  return { typedExtensionProtocolOptions: { [httpOptionsKey]: packed } }
}

function circuitBreakers(pool: ConnectionPool | undefined): Init<typeof CircuitBreakersSchema> {
  return {
    thresholds: [
      {
        maxConnections: pool?.tcp?.maxConnections ?? unlimited,
        maxPendingRequests: pool?.http?.http1MaxPendingRequests ?? unlimited,
        maxRequests: pool?.http?.http2MaxRequests ?? unlimited,
        maxRetries: pool?.http?.maxRetries ?? unlimited,
        trackRemaining: true,
      },
    ],
  }
}
