// One cluster per Service port and subset.
import { originOf } from '@weft/core'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { credentialsOf } from '../snapshot/topics.ts'
import {
  type DestinationRule,
  mergeDestinationRules,
  type PolicyDefaults,
  policyDefaults,
  portPolicy,
  ruleScope,
  serviceDefaults,
  withDefaults,
} from './destination-rules.ts'
import { trustOf } from '../policies/trust.ts'
import { encodeResource } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { type DiscoveryScope, discoveryMembers, sourceAddress, sourceBinding } from './host-discovery.ts'
import { outboundCluster, type Service, serviceHost } from './hosts.ts'
import { istioService } from './inbound-clusters.ts'
import { weftMetadata } from './metadata.ts'
import { attachedBudget, isSeen, serviceReferences, type ServiceReferences } from './service-references.ts'
import { imports, importsOf } from './sidecar-scope.ts'
import { policyMembers } from './traffic-policy.ts'
import { type ClusterTarget, type TransportScope, transportOf } from './upstream-transport.ts'
import type { Init } from './init.ts'

type ClusterInit = Init<typeof ClusterSchema>
type ClusterScope = TransportScope &
  DiscoveryScope & {
    readonly defaults: PolicyDefaults
    readonly sourceAddress: string | undefined
  }

/** `outbound|<port>|<subset>|<host>`: the same for all proxies whose namespace has no rules of its own. */
export const outboundClusters = generator({
  name: 'outbound-clusters',
  scope: (mesh, proxy) => ({
    callers: ruleScope(mesh, proxy),
    trust: trustOf(mesh.settings),
    rootNamespace: mesh.settings.rootNamespace,
    flavor: proxy.flavor,
    defaults: policyDefaults(mesh.settings),
    hosts: importsOf(mesh, proxy),
    namespace: importsOf(mesh, proxy) === undefined ? '' : proxy.instance.namespace,
    byName: proxy.interception === 'explicit' || proxy.instance.proxy === 'gateway',
    gateway: proxy.instance.proxy === 'gateway',
  }),
  each: ['Service'],
  views(mesh, { callers, hosts, namespace, gateway, ...scope }, item) {
    const service = item as Service
    if (!isSeen(mesh, service, callers) || !imports(mesh, hosts, service, namespace)) return []
    const refs = serviceReferences(mesh, service, callers)
    const own = { sourceAddress: sourceAddress(mesh, service), defaults: serviceDefaults(service, scope.defaults) }
    const credentials = takesCredentials(gateway, refs.destinationRules) ? { credentials: true as const } : {}
    return [makeView<ClusterScope, ServiceReferences>({ ...scope, ...own, ...credentials }, refs)]
  },
  build({ scope, refs }) {
    const merged = mergeDestinationRules(refs.destinationRules)
    const resources = refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => [
        cluster(
          scope,
          refs,
          { service, port, policy: withDefaults(portPolicy(merged.policy, undefined, port.port), scope.defaults) },
          merged.origin,
        ),
        ...merged.subsets.map(({ subset, origin }) => {
          const policy = withDefaults(portPolicy(merged.policy, subset.trafficPolicy, port.port), scope.defaults)
          return cluster(scope, refs, { service, port, policy, subset }, origin)
        }),
      ]),
    )
    return { resources, problems: [], losers: merged.losers }
  },
})

/** Sidecars take Secrets from rules that select them, gateways from all (the selecting ones come first). */
function takesCredentials(gateway: boolean, rules: readonly DestinationRule[]): boolean {
  return rules.some(({ spec }) => credentialsOf(spec).length > 0 && (spec.workloadSelector !== undefined || gateway))
}

function cluster(
  scope: ClusterScope,
  refs: ServiceReferences,
  target: ClusterTarget,
  rule: string | undefined,
): BuiltResource {
  const { service, port, policy, subset } = target
  const host = serviceHost(service)
  const name = outboundCluster(host, port.port, subset?.name)
  const origin = originOf(service.id, '')
  const { sockets, protocol } = transportOf(scope, refs, target)
  const init: ClusterInit = {
    name,
    ...policyMembers({ ...policy, ...attachedBudget(refs) }, protocol),
    ...discoveryMembers(scope, refs, name, target),
    ...sourceBinding(scope.sourceAddress),
    ...sockets,
    metadata: weftMetadata(
      { origin, destinationRule: rule },
      { services: [istioService(service)], ...(subset === undefined ? {} : { subset: subset.name }) },
    ),
  }
  return encodeResource(ClusterSchema, name, init, rule === undefined ? [origin] : [origin, rule])
}
