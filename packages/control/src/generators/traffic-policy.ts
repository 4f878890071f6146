// A DestinationRule's policy as members of a Cluster.
import { type ConnectionPool, durationMs, type PortTrafficPolicy } from '@weft/resources'
import type { CircuitBreakersSchema } from '@weft/xds/es/envoy/config/cluster/v3/circuit_breaker'
import { type ClusterSchema, Cluster_LbPolicy } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { HttpProtocolOptionsSchema } from '@weft/xds/es/envoy/extensions/upstreams/http/v3/http_protocol_options'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import { hopHttp2 } from './http2-options.ts'
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

/** Balancing, limits and timeouts; `protocol` of the connections, unless they carry no HTTP. */
export function policyMembers(policy: PortTrafficPolicy, protocol: UpstreamProtocol | undefined): ClusterInit {
  const { connectionPool } = policy
  return {
    lbPolicy: lbPolicies[policy.loadBalancer?.simple ?? 'LEAST_REQUEST'],
    connectTimeout: duration(durationMs(connectionPool?.tcp?.connectTimeout) ?? 10_000),
    circuitBreakers: circuitBreakers(connectionPool),
    ...httpOptions({
      idleTimeoutMs: durationMs(connectionPool?.http?.idleTimeout),
      maxRequestsPerConnection: connectionPool?.http?.maxRequestsPerConnection,
      maxConcurrentStreams: connectionPool?.http?.maxConcurrentStreams,
      protocol,
    }),
  }
}

/**
 * What connections to a cluster speak. `alpn`: HTTP/2 or HTTP/1.1 as TLS finds out; `downstream`: as the request came in.
 * Envoy takes `alpn` only for clusters whose every endpoint is spoken to over TLS.
 */
export type UpstreamProtocol = 'http1' | 'http2' | 'alpn' | 'downstream'

/** Options of the HTTP connections to a cluster; empty when there is nothing to say. */
export function httpOptions(options: {
  readonly idleTimeoutMs?: number | undefined
  readonly maxRequestsPerConnection?: number | undefined
  readonly maxConcurrentStreams?: number | undefined
  readonly protocol?: UpstreamProtocol | undefined
}): Pick<ClusterInit, 'typedExtensionProtocolOptions'> {
  const { idleTimeoutMs, maxRequestsPerConnection, maxConcurrentStreams, protocol = 'http1' } = options
  if (protocol === 'http1' && idleTimeoutMs === undefined && maxRequestsPerConnection === undefined) return {}
  const packed = pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: {
      ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
    },
    upstreamProtocolOptions: protocolOptions(protocol, maxConcurrentStreams),
  })
  return { typedExtensionProtocolOptions: { [httpOptionsKey]: packed } }
}

/** Options of the connections that carry tunnels. */
export function tunnelHttp(): Pick<ClusterInit, 'typedExtensionProtocolOptions'> {
  return httpOptions({ protocol: 'http2' })
}

function protocolOptions(
  protocol: UpstreamProtocol,
  maxConcurrentStreams: number | undefined,
): NonNullable<Init<typeof HttpProtocolOptionsSchema>['upstreamProtocolOptions']> {
  const http2ProtocolOptions = maxConcurrentStreams === undefined ? hopHttp2 : { ...hopHttp2, maxConcurrentStreams }
  switch (protocol) {
    case 'http1':
      return { case: 'explicitHttpConfig', value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } } }
    case 'http2':
      return {
        case: 'explicitHttpConfig',
        value: { protocolConfig: { case: 'http2ProtocolOptions', value: http2ProtocolOptions } },
      }
    case 'alpn':
      return { case: 'autoConfig', value: { httpProtocolOptions: {}, http2ProtocolOptions } }
    case 'downstream':
      return { case: 'useDownstreamProtocolConfig', value: { httpProtocolOptions: {}, http2ProtocolOptions } }
  }
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
