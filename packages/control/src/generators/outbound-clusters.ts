// One cluster per Service port and subset; of a forward proxy two, and the listener between them.
import { originOf } from '@weft/core'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { credentialsOf } from '../snapshot/topics.ts'
import {
  type DestinationRule,
  mergeDestinationRules,
  type MergedRules,
  type PolicyDefaults,
  policyDefaults,
  portPolicy,
  ruleScope,
  serviceDefaults,
  withDefaults,
} from './destination-rules.ts'
import { trustOf } from '../policies/trust.ts'
import { dynamicProblems } from './dynamic-hosts.ts'
import { encodeResource } from './encode.ts'
import { isForwardProxy, throughForwardProxy } from './forward-proxy.ts'
import { type BuiltResource, generator, type GeneratorProblem, makeView } from './generator.ts'
import {
  discoveryKind,
  type DiscoveryScope,
  discoveryMembers,
  hostNames,
  sourceAddress,
  sourceBinding,
} from './host-discovery.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import { istioService } from './inbound-clusters.ts'
import { weftMetadata } from './metadata.ts'
import { attachedBudget, isSeen, serviceReferences, type ServiceReferences } from './service-references.ts'
import { imports, importsOf } from './sidecar-scope.ts'
import { policyMembers } from './traffic-policy.ts'
import { type ClusterTarget, type TransportScope, transportOf, withNames } from './upstream-transport.ts'

type ClusterScope = TransportScope &
  DiscoveryScope & {
    readonly defaults: PolicyDefaults
    readonly sourceAddress: string | undefined
    /** No call of it gets anywhere, and it is there to be called: gateways have clusters that no route of theirs leads to. */
    readonly unreachable?: true
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
    const nowhere = !gateway && discoveryKind(service, scope.byName) === 'none'
    const unreachable = nowhere ? { unreachable: true as const } : {}
    return [makeView<ClusterScope, ServiceReferences>({ ...scope, ...own, ...credentials, ...unreachable }, refs)]
  },
  build({ scope, refs }) {
    const merged = mergeDestinationRules(refs.destinationRules)
    const resources = refs.service.flatMap((service) =>
      service.spec.ports.flatMap((port) => [
        ...cluster(
          scope,
          refs,
          { service, port, policy: withDefaults(portPolicy(merged.policy, undefined, port.port), scope.defaults) },
          merged.origin,
        ),
        ...merged.subsets.flatMap(({ subset, origin }) => {
          const policy = withDefaults(portPolicy(merged.policy, subset.trafficPolicy, port.port), scope.defaults)
          return cluster(scope, refs, { service, port, policy, subset }, origin)
        }),
      ]),
    )
    const problems = [
      ...idleTunnels(refs, merged),
      ...(scope.unreachable === true ? unreachableNames(refs) : []),
      ...dynamicProblems(refs.service[0], (port) => portPolicy(merged.policy, undefined, port).tls),
    ]
    return { resources, problems, losers: merged.losers }
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
): BuiltResource[] {
  const { service, port, policy, subset } = target
  const host = serviceHost(service)
  const name = outboundCluster(host, port.port, subset?.name)
  const origin = originOf(service.id, '')
  const { sockets, protocol } = transportOf(scope, refs, target)
  const named = policy.tls === undefined ? policy : { ...policy, tls: withNames(policy.tls, service) }
  const dynamic = discoveryKind(service, scope.byName, port) === 'dynamic'
  const names = dynamic && protocol !== undefined ? hostNames(named.tls) : undefined
  const init = {
    name,
    ...policyMembers({ ...policy, ...attachedBudget(refs, port) }, protocol, names),
    ...discoveryMembers(scope, refs, name, { ...target, policy: named }),
    ...sourceBinding(scope.sourceAddress),
    ...sockets,
    metadata: weftMetadata(
      { origin, destinationRule: rule },
      { services: [istioService(service)], ...(subset === undefined ? {} : { subset: subset.name }) },
    ),
  }
  const origins = rule === undefined ? [origin] : [origin, rule]
  if (isForwardProxy(policy, portKind(port))) return throughForwardProxy(init, policy, origins)
  return [encodeResource(ClusterSchema, name, init, origins)]
}

/** Requests are not tunnelled: a rule for a host that takes nothing else does nothing, and should say so. */
function idleTunnels({ service: [service] }: ServiceReferences, merged: MergedRules): GeneratorProblem[] {
  const ports = service.spec.ports.filter((port) => portKind(port) === 'http').map(({ port }) => port)
  const rules = [
    { policy: merged.policy, origin: merged.origin },
    ...merged.subsets.map(({ subset, origin }) => ({ policy: subset.trafficPolicy, origin })),
  ]
  return rules.flatMap(({ policy, origin }) =>
    policy?.tunnel === undefined || origin === undefined || ports.length === 0
      ? []
      : [
          {
            origin,
            message: `the tunnel is for TCP and TLS: what goes to port ${ports.join(', ')} of ${serviceHost(service)} (HTTP) does not go through it`,
          },
        ],
  )
}

/** A wildcard host stands for names that nobody looks up: where callers name one, there is no address to go to. */
function unreachableNames({ service: [service] }: ServiceReferences): GeneratorProblem[] {
  const resolution = service.spec.entry?.resolution ?? 'NONE'
  const dialled = resolution === 'NONE' ? '; where traffic is redirected it goes to the address that was dialled' : ''
  const message = `calls of ${serviceHost(service)} get no further (503): with resolution ${resolution} no address is known of a name that a wildcard stands for. Write resolution: DYNAMIC_DNS, list the hosts by name, or write resolution: DNS with endpoints${dialled}`
  return [{ origin: originOf(service.id, 'spec.resolution'), message }]
}
