// A DestinationRule's policy as members of a Cluster.
import {
  type ConnectionPool,
  durationMs,
  type LoadBalancer,
  type OutlierDetection,
  type RetryBudget,
  type TrafficPolicy,
  type Warmup,
} from '@weft/resources'
import type { CircuitBreakersSchema } from '@weft/xds/es/envoy/config/cluster/v3/circuit_breaker'
import type { OutlierDetectionSchema } from '@weft/xds/es/envoy/config/cluster/v3/outlier_detection'
import {
  type Cluster_CommonLbConfigSchema,
  type ClusterSchema,
  Cluster_LbPolicy,
} from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { MatchPredicateSchema } from '@weft/xds/es/envoy/config/common/matcher/v3/matcher'
import type { HeaderMatcherSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type {
  Http2ProtocolOptionsSchema,
  UpstreamHttpProtocolOptionsSchema,
} from '@weft/xds/es/envoy/config/core/v3/protocol'
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
  // Of those who name a host; an address that is dialled leaves nothing to choose (host-discovery.ts).
  PASSTHROUGH: Cluster_LbPolicy.LEAST_REQUEST,
} as const

/** Balancing, limits and timeouts; `protocol` of the connections, unless they carry no HTTP. `names`: taken from each request. */
export function policyMembers(
  policy: TrafficPolicy,
  protocol: UpstreamProtocol | undefined,
  names?: HttpOptions['names'],
): ClusterInit {
  const { connectionPool } = policy
  return {
    ...balancing(policy.loadBalancer),
    connectTimeout: duration(durationMs(connectionPool?.tcp?.connectTimeout) ?? 10_000),
    circuitBreakers: circuitBreakers(connectionPool, policy.retryBudget),
    ...keepalive(connectionPool),
    ...outlier(policy.outlierDetection),
    ...commonBalancing(policy),
    ...httpOptions({
      idleTimeoutMs: durationMs(connectionPool?.http?.idleTimeout),
      maxConnectionDurationMs: durationMs(connectionPool?.tcp?.maxConnectionDuration),
      maxRequestsPerConnection: connectionPool?.http?.maxRequestsPerConnection,
      maxConcurrentStreams: connectionPool?.http?.maxConcurrentStreams,
      pings: connectionPool?.http?.http2KeepAlive,
      errors: policy.outlierDetection?.outlierDetectionHttpErrorCodes,
      protocol,
      names,
    }),
  }
}

/** How an endpoint is chosen. */
function balancing(loadBalancer: LoadBalancer | undefined): ClusterInit {
  const { simple = 'LEAST_REQUEST', consistentHash, warmup } = loadBalancer ?? {}
  if (consistentHash === undefined) {
    return { lbPolicy: lbPolicies[simple], ...slowStart(simple, warmup) }
  }
  const { algorithm, size } = consistentHash
  if (algorithm === 'maglev') {
    const value = size === undefined ? {} : { tableSize: BigInt(size) }
    return { lbPolicy: Cluster_LbPolicy.MAGLEV, lbConfig: { case: 'maglevLbConfig', value } }
  }
  const value = size === undefined ? {} : { minimumRingSize: BigInt(size) }
  return { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { case: 'ringHashLbConfig', value } }
}

/** Istio's warmup is Envoy's slow start, which random balancing does not have. */
function slowStart(simple: keyof typeof lbPolicies, warmup: Warmup | undefined): ClusterInit {
  if (warmup === undefined || simple === 'RANDOM') return {}
  const { aggression, minimumPercent } = warmup
  const config = {
    slowStartWindow: duration(durationMs(warmup.duration)),
    ...(aggression === undefined
      ? {}
      : { aggression: { defaultValue: aggression, runtimeKey: 'upstream.slow_start.aggression' } }),
    ...(minimumPercent === undefined ? {} : { minWeightPercent: { value: minimumPercent } }),
  }
  return simple === 'ROUND_ROBIN'
    ? { lbConfig: { case: 'roundRobinLbConfig', value: { slowStartConfig: config } } }
    : { lbConfig: { case: 'leastRequestLbConfig', value: { slowStartConfig: config } } }
}

function keepalive(pool: ConnectionPool | undefined): ClusterInit {
  const probes = pool?.tcp?.tcpKeepalive
  if (probes === undefined) return {}
  const seconds = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : Math.max(1, Math.round(durationMs(text) / 1000))
  const keepaliveTime = seconds(probes.time)
  const keepaliveInterval = seconds(probes.interval)
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes.probes === undefined ? {} : { keepaliveProbes: probes.probes }),
        ...(keepaliveTime === undefined ? {} : { keepaliveTime }),
        ...(keepaliveInterval === undefined ? {} : { keepaliveInterval }),
      },
    },
  }
}

/** As Istio translates it: a count of 0 turns a kind of error off, and the share that is enforced is all or nothing. */
function outlier(detection: OutlierDetection | undefined): ClusterInit {
  if (detection === undefined) return {}
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures } = detection
  const intervalMs = durationMs(detection.interval)
  const baseEjectionMs = durationMs(detection.baseEjectionTime)
  const outlierDetection: Init<typeof OutlierDetectionSchema> = {
    ...(consecutive5xxErrors === undefined
      ? {}
      : { consecutive5xx: consecutive5xxErrors, enforcingConsecutive5xx: consecutive5xxErrors > 0 ? 100 : 0 }),
    ...(consecutiveGatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: consecutiveGatewayErrors,
          enforcingConsecutiveGatewayFailure: consecutiveGatewayErrors > 0 ? 100 : 0,
        }),
    ...(detection.splitExternalLocalOriginErrors === true ? { splitExternalLocalOriginErrors: true } : {}),
    ...(detection.splitExternalLocalOriginErrors === true && consecutiveLocalOriginFailures !== undefined
      ? {
          consecutiveLocalOriginFailure: consecutiveLocalOriginFailures,
          enforcingConsecutiveLocalOriginFailure: consecutiveLocalOriginFailures > 0 ? 100 : 0,
        }
      : {}),
    ...(intervalMs === undefined ? {} : { interval: duration(intervalMs) }),
    ...(baseEjectionMs === undefined ? {} : { baseEjectionTime: duration(baseEjectionMs) }),
    ...(detection.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: detection.maxEjectionPercent }),
    // What errors by success rate would eject is not what the rule asks for.
    enforcingSuccessRate: 0,
  }
  return { outlierDetection }
}

/** What all kinds of balancing share: when to panic, and whether localities have shares. */
function commonBalancing({ outlierDetection, loadBalancer }: TrafficPolicy): ClusterInit {
  const minHealthPercent = outlierDetection?.minHealthPercent
  const { enabled, distribute = [] } = loadBalancer?.localityLbSetting ?? {}
  const shares = loadBalancer?.zoneAware !== undefined || (enabled !== false && distribute.length > 0)
  const common: Init<typeof Cluster_CommonLbConfigSchema> = {
    ...(minHealthPercent === undefined ? {} : { healthyPanicThreshold: { value: minHealthPercent } }),
    ...(shares ? { localityConfigSpecifier: { case: 'localityWeightedLbConfig' as const, value: {} } } : {}),
  }
  return Object.keys(common).length === 0 ? {} : { commonLbConfig: common }
}

/**
 * What connections to a cluster speak. `alpn`: HTTP/2 or HTTP/1.1 as TLS finds out; `downstream`: as the request came in.
 * Envoy takes `alpn` only for clusters whose every endpoint is spoken to over TLS.
 */
export type UpstreamProtocol = 'http1' | 'http2' | 'alpn' | 'downstream'

/** What can be said about the HTTP connections to a cluster. */
interface HttpOptions {
  readonly idleTimeoutMs?: number | undefined
  readonly maxConnectionDurationMs?: number | undefined
  readonly maxRequestsPerConnection?: number | undefined
  readonly maxConcurrentStreams?: number | undefined
  readonly pings?: NonNullable<ConnectionPool['http']>['http2KeepAlive'] | undefined
  /** The answers that count as errors of their endpoint. */
  readonly errors?: readonly number[] | undefined
  readonly protocol?: UpstreamProtocol | undefined
  /** What of a request's host TLS asks for and verifies. */
  readonly names?: Init<typeof UpstreamHttpProtocolOptionsSchema> | undefined
}

/** Options of the HTTP connections to a cluster; empty when there is nothing to say. */
export function httpOptions(options: HttpOptions): Pick<ClusterInit, 'typedExtensionProtocolOptions'> {
  const {
    idleTimeoutMs,
    maxConnectionDurationMs,
    maxRequestsPerConnection,
    protocol = 'http1',
    errors = [],
    names,
  } = options
  const common = {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined ? {} : { maxConnectionDuration: duration(maxConnectionDurationMs) }),
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
  }
  const nothing = Object.keys(common).length === 0 && errors.length === 0 && names === undefined
  if (protocol === 'http1' && nothing) return {}
  const packed = pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: common,
    upstreamProtocolOptions: protocolOptions(protocol, http2Options(options)),
    ...(names === undefined ? {} : { upstreamHttpProtocolOptions: names }),
    ...(errors.length === 0 ? {} : { outlierDetection: { errorMatcher: statusMatcher(errors) } }),
  })
  return { typedExtensionProtocolOptions: { [httpOptionsKey]: packed } }
}

/** Answers of one of these statuses. */
function statusMatcher(statuses: readonly number[]): Init<typeof MatchPredicateSchema> {
  const rules = [...new Set(statuses)].map(
    (status): Init<typeof MatchPredicateSchema> => ({
      rule: { case: 'httpResponseHeadersMatch', value: { headers: [statusHeader(status)] } },
    }),
  )
  // Envoy wants a set of two at least.
  return rules.length === 1 && rules[0] !== undefined ? rules[0] : { rule: { case: 'orMatch', value: { rules } } }
}

function statusHeader(status: number): Init<typeof HeaderMatcherSchema> {
  const value = { matchPattern: { case: 'exact' as const, value: `${status}` } }
  return { name: ':status', headerMatchSpecifier: { case: 'stringMatch', value } }
}

function http2Options({ maxConcurrentStreams, pings }: HttpOptions): Init<typeof Http2ProtocolOptionsSchema> {
  const intervalMs = durationMs(pings?.interval)
  const timeoutMs = durationMs(pings?.timeout)
  return {
    ...hopHttp2,
    ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    ...(pings === undefined
      ? {}
      : {
          connectionKeepalive: {
            ...(intervalMs === undefined ? {} : { interval: duration(intervalMs) }),
            // Envoy wants a timeout; this is how long a connection may seem alive that is not.
            timeout: duration(timeoutMs ?? 5_000),
          },
        }),
  }
}

/** Options of the connections that carry tunnels. */
export function tunnelHttp(): Pick<ClusterInit, 'typedExtensionProtocolOptions'> {
  return httpOptions({ protocol: 'http2' })
}

function protocolOptions(
  protocol: UpstreamProtocol,
  http2ProtocolOptions: Init<typeof Http2ProtocolOptionsSchema>,
): NonNullable<Init<typeof HttpProtocolOptionsSchema>['upstreamProtocolOptions']> {
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

/** Thresholds of the default priority; what nobody limited is without limit as in Istio, where Envoy's own default is 1,024 (retries: 3). */
export function circuitBreakers(pool?: ConnectionPool, budget?: RetryBudget): Init<typeof CircuitBreakersSchema> {
  const intervalMs = durationMs(budget?.budgetInterval)
  return {
    thresholds: [
      {
        maxConnections: pool?.tcp?.maxConnections ?? unlimited,
        maxPendingRequests: pool?.http?.http1MaxPendingRequests ?? unlimited,
        maxRequests: pool?.http?.http2MaxRequests ?? unlimited,
        maxRetries: pool?.http?.maxRetries ?? unlimited,
        trackRemaining: true,
        ...(budget === undefined
          ? {}
          : {
              retryBudget: {
                budgetPercent: { value: budget.percent ?? 20 },
                minRetryConcurrency: budget.minRetryConcurrency ?? 3,
                ...(intervalMs === undefined ? {} : { budgetInterval: duration(intervalMs) }),
              },
            }),
      },
    ],
  }
}
