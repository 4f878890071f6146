// Clusters as gRPC takes them: where the endpoints are, how one is chosen, how many calls at once, and whom to trust.
import { err, ok, type Origin, originOf, type Result } from '@weft/core'
import { durationMs, type OutlierDetection, type TrafficPolicy } from '@weft/resources'
import {
  Cluster_DiscoveryType as Discovery,
  Cluster_LbPolicy,
  ClusterSchema,
} from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { OutlierDetectionSchema } from '@weft/xds/es/envoy/config/cluster/v3/outlier_detection'
import { adsSource, duration } from '../config-source.ts'
import {
  mergeDestinationRules,
  type PolicyDefaults,
  policyDefaults,
  portPolicy,
  ruleScope,
  withDefaults,
} from '../destination-rules.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, type GeneratorProblem, makeView } from '../generator.ts'
import { discoveryKind } from '../host-discovery.ts'
import { endpointAtName, lbEndpointOf, writtenEndpoints } from '../host-endpoints.ts'
import { outboundCluster, type Service, serviceHost } from '../hosts.ts'
import type { Init } from '../init.ts'
import { weftMetadata } from '../metadata.ts'
import { isSeen, serviceReferences, type ServiceReferences } from '../service-references.ts'
import { imports, importsOf } from '../sidecar-scope.ts'
import { type ClusterTarget, takesOnlyMtls, workloadIds } from '../upstream-transport.ts'
import { type Trust, trustOf } from '../../policies/trust.ts'
import { emptyCluster } from './black-hole.ts'
import { upstreamSocket } from './tls-sockets.ts'

type ClusterInit = Init<typeof ClusterSchema>

interface ClusterScope {
  readonly trust: Trust
  readonly rootNamespace: string
  readonly defaults: PolicyDefaults
  /** The client has certificates, so it can speak mutual TLS. */
  readonly certificates: boolean
}

/** The same names as proxies use, so that routes are the same. */
export const grpcClusters = generator({
  name: 'proxyless-clusters',
  scope: (mesh, proxy) => ({
    callers: ruleScope(mesh, proxy),
    trust: trustOf(mesh.settings),
    rootNamespace: mesh.settings.rootNamespace,
    defaults: policyDefaults(mesh.settings),
    certificates: proxy.certificates === true,
    hosts: importsOf(mesh, proxy),
    namespace: importsOf(mesh, proxy) === undefined ? '' : proxy.instance.namespace,
  }),
  each: ['Service'],
  views(mesh, { callers, hosts, namespace, ...scope }, item) {
    const service = item as Service
    if (!isSeen(mesh, service, callers) || !imports(mesh, hosts, service, namespace)) return []
    return [makeView<ClusterScope, ServiceReferences>(scope, serviceReferences(mesh, service, callers))]
  },
  build({ scope, refs }) {
    const merged = mergeDestinationRules(refs.destinationRules)
    const [service] = refs.service
    const policyOf = (port: number, subset?: TrafficPolicy): TrafficPolicy =>
      withDefaults(portPolicy(merged.policy, subset, port), scope.defaults)
    const problems: GeneratorProblem[] = []
    const resources = service.spec.ports.flatMap((port) => [
      cluster(scope, refs, { service, port, policy: policyOf(port.port) }, merged.origin, problems),
      ...merged.subsets.map(({ subset, origin }) => {
        const policy = policyOf(port.port, subset.trafficPolicy)
        return cluster(scope, refs, { service, port, policy, subset }, origin, problems)
      }),
    ])
    return { resources, problems, losers: [] }
  },
})

/** The cluster of a target; an empty one where calls could only be sent in a way that the mesh does not want. */
function cluster(
  scope: ClusterScope,
  refs: ServiceReferences,
  target: ClusterTarget,
  rule: Origin | undefined,
  problems: GeneratorProblem[],
): BuiltResource {
  const { service, port, policy, subset } = target
  const name = outboundCluster(serviceHost(service), port.port, subset?.name)
  const origin = originOf(service.id, '')
  const tls = tlsTo(scope, refs, target)
  const found = discovery(refs, name, target)
  if (!tls.ok || found === undefined) {
    const why = tls.ok ? 'they need a name that can be resolved' : tls.error
    problems.push({ origin: rule ?? origin, message: `gRPC clients fail calls to ${name}: ${why}` })
    return emptyCluster(name, [origin])
  }
  const init: ClusterInit = {
    name,
    ...found,
    ...balancing(policy),
    ...limits(policy),
    ...ejection(policy.outlierDetection),
    ...(tls.value ? { transportSocket: upstreamSocket(workloadIds(scope.trust, refs)) } : {}),
    metadata: weftMetadata({ origin, destinationRule: rule }),
  }
  return encodeResource(ClusterSchema, name, init, rule === undefined ? [origin] : [origin, rule])
}

/** Whether mutual TLS is spoken. What a rule demands and gRPC cannot do is an error: plaintext instead would be worse than nothing. */
function tlsTo(scope: ClusterScope, refs: ServiceReferences, target: ClusterTarget): Result<boolean> {
  const { mode } = target.policy.tls ?? {}
  if (mode === undefined) return ok(scope.certificates && takesOnlyMtls(scope, refs, target))
  if (mode === 'DISABLE') return ok(false)
  if (mode !== 'ISTIO_MUTUAL') return err(`TLS of mode ${mode} cannot be told to them`)
  return scope.certificates ? ok(true) : err('the rule asks for mutual TLS, and the bootstrap offers no certificates')
}

/** By EDS, or the one name that gRPC resolves itself; undefined: it has none. */
function discovery(refs: ServiceReferences, name: string, { service, port }: ClusterTarget): ClusterInit | undefined {
  const kind = discoveryKind(service, true)
  if (kind === 'eds') {
    return {
      clusterDiscoveryType: { case: 'type', value: Discovery.EDS },
      edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
    }
  }
  if (kind === 'none' || kind === 'dynamic') return undefined
  const { namespace, name: owner } = service.id
  const [first = { spec: endpointAtName(serviceHost(service)), labels: {}, namespace, name: owner }] = writtenEndpoints(
    service,
    refs.workloadEntries,
  )
  const placed = lbEndpointOf(first, port, true)
  if (placed === undefined) return undefined
  return {
    clusterDiscoveryType: { case: 'type', value: Discovery.LOGICAL_DNS },
    loadAssignment: { clusterName: name, endpoints: [{ locality: {}, lbEndpoints: [placed.endpoint] }] },
  }
}

/** gRPC refuses a cluster with a policy that it does not know; all of its libraries know these two. */
function balancing({ loadBalancer }: TrafficPolicy): ClusterInit {
  const hash = loadBalancer?.consistentHash
  if (hash === undefined) return { lbPolicy: Cluster_LbPolicy.ROUND_ROBIN }
  const largest = 8 * 1024 * 1024
  const minimumRingSize = BigInt(Math.min(hash.algorithm === 'maglev' ? 1024 : (hash.size ?? 1024), largest))
  return { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize } } }
}

function limits({ connectionPool }: TrafficPolicy): ClusterInit {
  const maxRequests = connectionPool?.http?.http2MaxRequests
  return maxRequests === undefined ? {} : { circuitBreakers: { thresholds: [{ maxRequests }] } }
}

/**
 * gRPC counts shares of failures within an interval and no errors in a row: an endpoint of which all calls of an interval failed,
 * and at least as many as the rule says, is ejected.
 */
function ejection(detection: OutlierDetection | undefined): ClusterInit {
  if (detection === undefined) return {}
  const errors = detection.consecutive5xxErrors ?? detection.consecutiveGatewayErrors ?? 5
  const intervalMs = durationMs(detection.interval)
  const baseEjectionMs = durationMs(detection.baseEjectionTime)
  const outlierDetection: Init<typeof OutlierDetectionSchema> = {
    enforcingSuccessRate: 0,
    enforcingFailurePercentage: errors > 0 ? 100 : 0,
    failurePercentageThreshold: 99,
    failurePercentageMinimumHosts: 1,
    failurePercentageRequestVolume: errors,
    ...(intervalMs === undefined ? {} : { interval: duration(intervalMs) }),
    ...(baseEjectionMs === undefined ? {} : { baseEjectionTime: duration(baseEjectionMs) }),
    ...(detection.maxEjectionPercent === undefined ? {} : { maxEjectionPercent: detection.maxEjectionPercent }),
  }
  return { outlierDetection }
}
