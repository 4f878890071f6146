// envoy.config.cluster.v3.Cluster.
import type { Result } from '@weft/core'
import * as lean from '@weft/xds/lean'
import type { BreakerLimits, Cluster, DnsCache, OutlierDetection, RateRules, UpstreamHttp } from '../model.ts'
import { compileBalancing } from './balancer.ts'
import { compileDnsCache } from './dns-cache.ts'
import { compileAssignment } from './endpoints.ts'
import { compileErrorStatuses } from './error-statuses.ts'
import { compileHttp2Options } from './http2-options.ts'
import { metadataOf, originsOf } from './metadata.ts'
import {
  attempt,
  type CompileError,
  type CompileOptions,
  type Context,
  newContext,
  readPart,
  refuse,
} from './refusal.ts'
import { compileUpstreamSocket, holdsKeys, secretsOf } from './tls-context.ts'

const httpOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

/** Compiles the bytes of a Cluster; errors name the field. */
export function compileCluster(bytes: Uint8Array, options: CompileOptions): Result<Cluster, CompileError> {
  return attempt(() => {
    const context = newContext(options)
    return compileDecoded(context, readPart(context, '', lean.readCluster, bytes))
  })
}

function compileDecoded(context: Context, cluster: lean.Cluster): Cluster {
  if (cluster.name === '') refuse('name', 'is empty')
  const socket = compileUpstreamSocket(context, 'transport_socket', cluster.transportSocket)
  const transportSocketMatches = cluster.transportSocketMatches.map((match, index) => ({
    name: match.name,
    match: match.match ?? {},
    ...compileUpstreamSocket(context, `transport_socket_matches[${index}].transport_socket`, match.transportSocket),
  }))
  const http = compileHttp(context, cluster)
  return {
    name: cluster.name,
    origins: originsOf(cluster.metadata),
    unlisted: context.unlisted,
    discovery: compileDiscovery(context, cluster),
    connectTimeoutMs: cluster.connectTimeout ?? 5000,
    ...compileBalancing(context, cluster),
    breakers: compileBreakers(cluster.circuitBreakers),
    outlier: compileOutlier(cluster.outlierDetection, http.errorStatuses),
    ...socket,
    transportSocketMatches,
    http: cluster.clusterType === undefined || socket.tls !== undefined ? http.http : nameless(http.http),
    panicThresholdPercent: cluster.commonLbConfig?.healthyPanicThreshold?.value ?? 50,
    bindAddress: cluster.upstreamBindConfig?.sourceAddress?.address || undefined,
    ...keepAliveOf(cluster.upstreamConnectionOptions?.tcpKeepalive),
    bufferLimitBytes: cluster.perConnectionBufferLimitBytes ?? 1 << 20,
    metadata: metadataOf(cluster.metadata),
    ...secretsOf([socket.tls, ...transportSocketMatches.map(({ tls }) => tls)]),
    ...holdsKeys([socket.tls, ...transportSocketMatches.map(({ tls }) => tls)]),
  }
}

/** What is not set is what Linux does by itself; as in Envoy, a 0 turns probes off. */
function keepAliveOf(probes: lean.TcpKeepalive | undefined): Pick<Cluster, 'keepAlive'> {
  if (probes === undefined) return {}
  const { keepaliveTime = 7_200, keepaliveInterval = 75, keepaliveProbes = 9 } = probes
  if (keepaliveTime === 0 || keepaliveInterval === 0 || keepaliveProbes === 0) return {}
  // The kernel takes no more: 32767 seconds and 127 probes.
  const seconds = (wanted: number): number => Math.min(32_767, wanted)
  return {
    keepAlive: {
      idleSeconds: seconds(keepaliveTime),
      intervalSeconds: seconds(keepaliveInterval),
      probes: Math.min(127, keepaliveProbes),
    },
  }
}

function compileDiscovery(context: Context, cluster: lean.Cluster): Cluster['discovery'] {
  const local = () => {
    const assignment = cluster.loadAssignment
    if (assignment === undefined)
      return { name: cluster.name, localities: [], overprovisioningPercent: 140, unlisted: [] }
    return compileAssignment(context, 'load_assignment', assignment)
  }
  if (cluster.clusterType !== undefined) return { kind: 'dynamic', cache: compileDynamic(context, cluster) }
  switch (cluster.type ?? 'STATIC') {
    case 'STATIC':
      return { kind: 'static', endpoints: local() }
    case 'STRICT_DNS':
      return { kind: 'dns', logical: false, endpoints: local() }
    case 'LOGICAL_DNS':
      return { kind: 'dns', logical: true, endpoints: local() }
    case 'ORIGINAL_DST':
      return { kind: 'original-dst', ...metadataKeyOf(cluster.originalDstLbConfig?.metadataKey) }
    case 'EDS':
      if (cluster.edsClusterConfig?.edsConfig?.ads === undefined) {
        return refuse('eds_cluster_config.eds_config', 'only ads is supported')
      }
      return { kind: 'eds', edsName: cluster.edsClusterConfig.serviceName || cluster.name }
    default:
      return refuse('type', `${cluster.type} is not supported`)
  }
}

/** `envoy.clusters.dynamic_forward_proxy`. As in Envoy, whose certificate is not looked at for the host's name must say that it is wanted so. */
function compileDynamic(context: Context, cluster: lean.Cluster): DnsCache {
  const at = 'cluster_type.typed_config'
  const any = cluster.clusterType?.typedConfig
  if (any?.typeUrl !== lean.typeUrls.DynamicClusterConfig)
    return refuse('cluster_type', `${cluster.clusterType?.name} (${any?.typeUrl ?? 'nothing'}) is not known`)
  const config = readPart(context, at, lean.readDynamicClusterConfig, any.value)
  if (config.subClustersConfig !== undefined) return refuse(`${at}.sub_clusters_config`, 'is not supported')
  const { autoNames } = compileHttp(context, cluster).http
  if (!config.allowInsecureClusterOptions && (autoNames?.sni !== true || !autoNames.san))
    return refuse(at, 'auto_sni and auto_san_validation must be true unless allow_insecure_cluster_options is')
  return compileDnsCache(context, `${at}.dns_cache_config`, config.dnsCacheConfig)
}

function metadataKeyOf(key: lean.MetadataKey | undefined): { readonly metadataKey?: readonly string[] } {
  if (key === undefined) return {}
  const at = 'original_dst_lb_config.metadata_key'
  if (key.key === '') return refuse(`${at}.key`, 'is empty')
  const path = key.path.map((segment, index) => segment.key || refuse(`${at}.path[${index}].key`, 'is empty'))
  return { metadataKey: [key.key, ...path] }
}

const defaultLimits: BreakerLimits = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  retryBudget: undefined,
}

function compileBreakers(breakers: lean.CircuitBreakers | undefined): Cluster['breakers'] {
  const of = (priority: lean.RoutingPriority): BreakerLimits => {
    const found = breakers?.thresholds.find((one) => one.priority === priority)
    if (found === undefined) return defaultLimits
    const budget = found.retryBudget
    return {
      maxConnections: found.maxConnections ?? 1024,
      maxPendingRequests: found.maxPendingRequests ?? 1024,
      maxRequests: found.maxRequests ?? 1024,
      maxRetries: found.maxRetries ?? 3,
      retryBudget:
        budget === undefined
          ? undefined
          : {
              percent: budget.budgetPercent?.value ?? 20,
              minConcurrency: budget.minRetryConcurrency ?? 3,
              intervalMs: budget.budgetInterval ?? 0,
            },
    }
  }
  return { default: of('DEFAULT'), high: of('HIGH') }
}

function compileOutlier(
  outlier: lean.OutlierDetection | undefined,
  errorStatuses: ReadonlySet<number> | undefined,
): OutlierDetection | undefined {
  if (outlier === undefined) return undefined
  const rates: RateRules = {
    successRateMinimumHosts: outlier.successRateMinimumHosts ?? 5,
    successRateVolume: outlier.successRateRequestVolume ?? 100,
    successRateStdevFactor: outlier.successRateStdevFactor ?? 1900,
    enforcingSuccessRatePercent: outlier.enforcingSuccessRate ?? 100,
    failureThresholdPercent: outlier.failurePercentageThreshold ?? 85,
    failureMinimumHosts: outlier.failurePercentageMinimumHosts ?? 5,
    failureVolume: outlier.failurePercentageRequestVolume ?? 50,
    enforcingFailurePercent: outlier.enforcingFailurePercentage ?? 0,
  }
  const baseEjectionMs = outlier.baseEjectionTime ?? 30_000
  return {
    ...(errorStatuses === undefined ? {} : { errorStatuses }),
    consecutive5xx: outlier.consecutive5xx ?? 5,
    consecutiveGatewayFailure: outlier.consecutiveGatewayFailure ?? 5,
    enforcingConsecutive5xxPercent: outlier.enforcingConsecutive5xx ?? 100,
    enforcingConsecutiveGatewayFailurePercent: outlier.enforcingConsecutiveGatewayFailure ?? 0,
    intervalMs: outlier.interval ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: outlier.maxEjectionTime ?? Math.max(300_000, baseEjectionMs),
    maxEjectionPercent: outlier.maxEjectionPercent ?? 10,
    alwaysEjectOne: outlier.alwaysEjectOneHost ?? false,
    splitsLocal: outlier.splitExternalLocalOriginErrors,
    consecutiveLocal: outlier.consecutiveLocalOriginFailure ?? 5,
    enforcingLocalPercent: outlier.enforcingConsecutiveLocalOriginFailure ?? 100,
    rates,
    localRates: {
      ...rates,
      enforcingSuccessRatePercent: outlier.enforcingLocalOriginSuccessRate ?? 100,
      enforcingFailurePercent: outlier.enforcingFailurePercentageLocalOrigin ?? 0,
    },
  }
}

interface CompiledHttp {
  readonly http: UpstreamHttp
  readonly errorStatuses: ReadonlySet<number> | undefined
}

function compileHttp(context: Context, cluster: lean.Cluster): CompiledHttp {
  const any = cluster.typedExtensionProtocolOptions.get(httpOptionsName)
  const at = `typed_extension_protocol_options["${httpOptionsName}"]`
  for (const name of cluster.typedExtensionProtocolOptions.keys()) {
    if (name !== httpOptionsName)
      context.unlisted.push(`envoy.config.cluster.v3.Cluster.typed_extension_protocol_options["${name}"]`)
  }
  const options = any === undefined ? undefined : readPart(context, at, lean.readClusterHttpProtocolOptions, any.value)
  const common = options?.commonHttpProtocolOptions ?? cluster.commonHttpProtocolOptions
  // One of three; without HttpProtocolOptions the cluster's own, older fields.
  const chosen =
    options === undefined
      ? cluster
      : (options.explicitHttpConfig ?? options.useDownstreamProtocolConfig ?? options.autoConfig)
  const http: UpstreamHttp = {
    protocol: protocolOf(options, chosen?.http2ProtocolOptions !== undefined),
    idleTimeoutMs: common?.idleTimeout ?? 3_600_000,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? cluster.maxRequestsPerConnection ?? 0,
    maxConnectionDurationMs: common?.maxConnectionDuration ?? 0,
    maxStreamDurationMs: common?.maxStreamDuration ?? 0,
    preserveHeaderCase: false,
    http1Trailers: chosen?.httpProtocolOptions?.enableTrailers ?? false,
    http2: compileHttp2Options(`${at}.http2_protocol_options`, chosen?.http2ProtocolOptions),
    ...autoNamesOf(
      options === undefined
        ? (cluster.upstreamHttpProtocolOptions ?? (cluster.clusterType === undefined ? undefined : hostsOwn))
        : options.upstreamHttpProtocolOptions,
    ),
  }
  return { http, errorStatuses: compileErrorStatuses(context, options?.outlierDetection) }
}

/** As Envoy requires them of clusters of any host, names are there without TLS too, where nothing asks for them. */
function nameless({ autoNames: _autoNames, ...http }: UpstreamHttp): UpstreamHttp {
  return http
}

/** Of a cluster that takes what requests name, where it says nothing. */
const hostsOwn = lean.newUpstreamHttpProtocolOptions({ autoSni: true, autoSanValidation: true })

function autoNamesOf(options: lean.UpstreamHttpProtocolOptions | undefined): Pick<UpstreamHttp, 'autoNames'> {
  if (options === undefined || !(options.autoSni || options.autoSanValidation)) return {}
  const header = options.overrideAutoSniHeader.toLowerCase() || undefined
  return { autoNames: { sni: options.autoSni, san: options.autoSanValidation, header } }
}

function protocolOf(options: lean.ClusterHttpProtocolOptions | undefined, http2: boolean): UpstreamHttp['protocol'] {
  if (options?.useDownstreamProtocolConfig !== undefined) return 'downstream'
  if (options?.autoConfig !== undefined) return 'auto'
  return http2 ? 'http2' : 'http1'
}
