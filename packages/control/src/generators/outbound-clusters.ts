// One cluster per Service port and subset.
import { originOf } from '@weft/core'
import type { PortTrafficPolicy, ServicePort, WorkloadSpec } from '@weft/resources'
import { ClusterSchema, Cluster_DiscoveryType } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { adsSource } from './config-source.ts'
import {
  type DestinationRule,
  destinationRulesFor,
  mergeDestinationRules,
  portPolicy,
  ruleScope,
} from './destination-rules.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import { istioService } from './inbound-clusters.ts'
import { weftMetadata } from './metadata.ts'
import { plaintext, upstreamMtls } from './tls-contexts.ts'
import { policyMembers } from './traffic-policy.ts'
import type { Init } from './init.ts'

type ClusterInit = Init<typeof ClusterSchema>

interface OutboundScope {
  readonly trustDomain: string
}

/** A Service with what its clusters are made from. */
interface ServiceReferences {
  readonly service: readonly [Service]
  readonly destinationRules: readonly DestinationRule[]
  /** Workloads behind the Service: their service accounts are who may answer. */
  readonly workloads: readonly SnapshotObject<WorkloadSpec>[]
}

/** `outbound|<port>|<subset>|<host>`: the same for all proxies whose namespace has no rules of its own. */
export const outboundClusters = generator({
  name: 'outbound-clusters',
  scope: (mesh, proxy) => ({ callers: ruleScope(mesh, proxy), trustDomain: mesh.settings.trustDomain }),
  each: ['Service'],
  views(mesh, { callers, ...scope }, item) {
    const service = item as Service
    const destinationRules = destinationRulesFor(mesh, service, callers)
    return [
      makeView<OutboundScope, ServiceReferences>(scope, {
        service: [service],
        destinationRules,
        workloads: mesh.workloadsBehind(service),
      }),
    ]
  },
  build({ scope, refs }) {
    const merged = mergeDestinationRules(refs.destinationRules)
    const resources = refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => [
        cluster(scope, refs, { service, port, policy: portPolicy(merged.policy, undefined, port.port) }, merged.origin),
        ...merged.subsets.map(({ subset, origin }) => {
          const policy = portPolicy(merged.policy, subset.trafficPolicy, port.port)
          return cluster(scope, refs, { service, port, policy, subset: subset.name }, origin)
        }),
      ]),
    )
    return { resources, problems: [], losers: merged.losers }
  },
})

interface ClusterTarget {
  readonly service: Service
  readonly port: ServicePort
  readonly policy: PortTrafficPolicy
  readonly subset?: string
}

function cluster(
  scope: OutboundScope,
  refs: ServiceReferences,
  target: ClusterTarget,
  rule: string | undefined,
): BuiltResource {
  const { service, port, policy, subset } = target
  const host = serviceHost(service)
  const name = outboundCluster(host, port.port, subset)
  const origin = originOf(service.id, '')
  const init: ClusterInit = {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: adsSource(), serviceName: name },
    ...policyMembers(policy),
    ...transport(scope, refs, target),
    metadata: weftMetadata(
      { origin, destinationRule: rule },
      { services: [istioService(service)], ...(subset === undefined ? {} : { subset }) },
    ),
  }
  return encodeResource(ClusterSchema, name, init, rule === undefined ? [origin] : [origin, rule])
}

/** Auto mTLS as Istio does it: the endpoint says whether it takes mutual TLS, unless a DestinationRule decides. */
function transport(
  scope: OutboundScope,
  { workloads }: ServiceReferences,
  { service, port, policy, subset }: ClusterTarget,
): Pick<ClusterInit, 'transportSocket' | 'transportSocketMatches'> {
  if (policy.tls?.mode === 'DISABLE') return {}
  const sni = `outbound_.${port.port}_.${subset ?? ''}_.${serviceHost(service)}`
  const mtls = upstreamMtls(sni, spiffeIds(scope.trustDomain, service, workloads), portKind(port))
  if (policy.tls?.mode === 'ISTIO_MUTUAL') return { transportSocket: mtls }
  return {
    transportSocketMatches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: mtls },
      { name: 'tlsMode-disabled', match: {}, transportSocket: plaintext() },
    ],
  }
}

/** Whose SVID may answer for a Service. Nobody's while no workload stands behind it: an empty list would accept anyone's. */
function spiffeIds(trustDomain: string, service: Service, workloads: ServiceReferences['workloads']): string[] {
  const ids = workloads
    .filter((workload) => workload.spec.proxy !== 'none')
    .map((workload) => `spiffe://${trustDomain}/ns/${workload.id.namespace}/sa/${workload.spec.serviceAccount}`)
  return ids.length === 0 ? [`spiffe://${trustDomain}/ns/${service.id.namespace}`] : [...new Set(ids)].sort()
}
