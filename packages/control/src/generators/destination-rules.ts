// Which DestinationRules hold for a Service, merged: policy and subsets.
import { originOf, type Origin } from '@weft/core'
import {
  type DestinationRuleSpec,
  isVisible,
  type LoadBalancer,
  type ConnectionPool,
  type LocalityLoadBalancing,
  type TcpKeepalive,
  selectsLabels,
  type PortTrafficPolicy,
  type Subset,
  type TrafficPolicy,
} from '@weft/resources'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { MeshSettings } from '../snapshot/mesh-settings.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Loser, ProxyRef } from './generator.ts'
import type { Service } from './hosts.ts'
import { nodeLabel } from './locality.ts'

/** A DestinationRule with its content. */
export type DestinationRule = SnapshotObject<DestinationRuleSpec>

/** Callers that see the same rules. */
export interface Callers {
  /** '' where no rule tells namespaces apart. */
  readonly namespace: string
  /** Only the labels that some rule asks for. */
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Rules for a Service that callers of a `ruleScope` see: those that select them first, then theirs, then the Service's, then
 * others, each by name.
 */
export function destinationRulesFor(mesh: MeshQuery, service: Service, callers: Callers): DestinationRule[] {
  const { namespace, labels } = callers
  const rank = ({ id, spec }: DestinationRule): number => {
    if (spec.workloadSelector !== undefined) return 0
    return id.namespace === namespace ? 1 : id.namespace === service.id.namespace ? 2 : 3
  }
  return mesh
    .destinationRulesOf(service)
    .filter(({ id, spec }) => isVisible(spec.exportTo, id.namespace, namespace))
    .filter(({ id, spec: { workloadSelector } }) => {
      if (workloadSelector === undefined) return true
      return id.namespace === namespace && selectsLabels(workloadSelector.matchLabels, labels)
    })
    .sort((a, b) => rank(a) - rank(b))
}

/** Whose rules a proxy sees; proxies without rules of their own are all alike. */
export function ruleScope(mesh: MeshQuery, { instance }: ProxyRef): Callers {
  const { namespaces, labelKeys } = mesh.localRules(instance.namespace)
  if (!namespaces.has(instance.namespace)) return { namespace: '', labels: {} }
  const labels = labelKeys.flatMap((key) => {
    const value = instance.labels[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return { namespace: instance.namespace, labels: Object.fromEntries(labels) }
}

/** A subset and where it was written. */
export interface MergedSubset {
  readonly subset: Subset
  readonly origin: Origin
}

/** The rules of a Service as one. */
export interface MergedRules {
  readonly policy: TrafficPolicy | undefined
  /** The rule `policy` comes from, or the first rule. */
  readonly origin: Origin | undefined
  readonly subsets: readonly MergedSubset[]
  readonly losers: readonly Loser[]
}

/** Merges as Istio does: subsets add up, the first policy holds. */
export function mergeDestinationRules(rules: readonly DestinationRule[]): MergedRules {
  const subsets = new Map<string, MergedSubset>()
  const losers: Loser[] = []
  const withPolicy = rules.find((rule) => rule.spec.trafficPolicy !== undefined)
  for (const rule of rules) {
    for (const [index, subset] of rule.spec.subsets.entries()) {
      const origin = originOf(rule.id, `spec.subsets[${index}]`)
      const winner = subsets.get(subset.name)
      if (winner === undefined) subsets.set(subset.name, { subset, origin })
      else {
        const detail = `subset ${subset.name} is already defined for this host`
        losers.push({ origin, reason: 'duplicate-subset', by: winner.origin, detail })
      }
    }
    if (rule.spec.trafficPolicy !== undefined && rule !== withPolicy && withPolicy !== undefined) {
      losers.push({
        origin: originOf(rule.id, 'spec.trafficPolicy'),
        reason: 'host-conflict',
        by: originOf(withPolicy.id, 'spec.trafficPolicy'),
        detail: 'another DestinationRule already sets the policy of this host',
      })
    }
  }
  const first = withPolicy ?? rules[0]
  return {
    policy: withPolicy?.spec.trafficPolicy,
    origin: first === undefined ? undefined : originOf(first.id, ''),
    subsets: [...subsets.values()],
    losers,
  }
}

/** What the mesh settings say where no rule does. */
export interface PolicyDefaults {
  readonly connectTimeout?: string
  readonly localityLbSetting?: LocalityLoadBalancing
  readonly tcpKeepalive?: TcpKeepalive
  readonly h2UpgradePolicy?: 'DO_NOT_UPGRADE' | 'UPGRADE'
  /** Endpoints are in the order of that setting whether failing ones are found out or not. */
  readonly ordered?: boolean
  readonly loadBalancer?: LoadBalancer
}

/** What a Service says where no rule does, over what the mesh says. */
export function serviceDefaults({ spec: { sessionAffinity, prefers } }: Service, mesh: PolicyDefaults): PolicyDefaults {
  if (sessionAffinity === undefined && prefers === undefined) return mesh
  return {
    ...mesh,
    ...(prefers === undefined ? {} : { localityLbSetting: preference[prefers], ordered: true }),
    ...(sessionAffinity === undefined ? {} : { loadBalancer: byClientAddress }),
  }
}

const zone = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']
const preference = {
  zone: { failoverPriority: zone },
  node: { failoverPriority: [...zone, nodeLabel] },
}

/** How a Service's `sessionAffinity` is kept: by a ring on which clients have their places. */
export const byClientAddress: LoadBalancer = {
  simple: 'LEAST_REQUEST',
  consistentHash: { useSourceIp: true, algorithm: 'ring' },
}

/** The defaults of a mesh. */
export function policyDefaults({ config }: MeshSettings): PolicyDefaults {
  const { connectTimeout, localityLbSetting, tcpKeepalive, h2UpgradePolicy } = config
  return {
    ...(tcpKeepalive === undefined ? {} : { tcpKeepalive }),
    ...(h2UpgradePolicy === undefined ? {} : { h2UpgradePolicy }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(localityLbSetting === undefined ? {} : { localityLbSetting }),
  }
}

/** A policy with the defaults filled in. */
export function withDefaults(policy: TrafficPolicy, defaults: PolicyDefaults): TrafficPolicy {
  const { localityLbSetting } = defaults
  const { loadBalancer = defaults.loadBalancer ?? { simple: 'LEAST_REQUEST' as const }, connectionPool } = policy
  return {
    ...policy,
    ...pooled(connectionPool, defaults),
    ...(localityLbSetting === undefined && defaults.loadBalancer === undefined
      ? {}
      : { loadBalancer: { ...(localityLbSetting === undefined ? {} : { localityLbSetting }), ...loadBalancer } }),
  }
}

function pooled(
  pool: ConnectionPool | undefined,
  { connectTimeout, tcpKeepalive, h2UpgradePolicy }: PolicyDefaults,
): { readonly connectionPool?: ConnectionPool } {
  const tcp = {
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(tcpKeepalive === undefined ? {} : { tcpKeepalive }),
  }
  const said = pool?.http?.h2UpgradePolicy
  const upgrade = h2UpgradePolicy !== undefined && (said === undefined || said === 'DEFAULT')
  if (Object.keys(tcp).length === 0 && !upgrade) return {}
  return {
    connectionPool: {
      ...pool,
      ...(Object.keys(tcp).length === 0 ? {} : { tcp: { ...tcp, ...pool?.tcp } }),
      ...(upgrade ? { http: { ...pool?.http, h2UpgradePolicy } } : {}),
    },
  }
}

/** What holds for a port of a subset: port settings replace the whole policy, a subset's members override the host's. */
export function portPolicy(
  base: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): TrafficPolicy {
  const onPort = (policy: TrafficPolicy | undefined): PortTrafficPolicy | undefined =>
    policy?.portLevelSettings?.find((settings) => settings.port.number === port)
  const members = ({ loadBalancer, connectionPool, outlierDetection, tls }: PortTrafficPolicy): PortTrafficPolicy => ({
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(tls === undefined ? {} : { tls }),
  })
  // Not settings of ports: they hold for all of them.
  const retryBudget = subset?.retryBudget ?? base?.retryBudget
  const proxyProtocol = subset?.proxyProtocol ?? base?.proxyProtocol
  const tunnel = subset?.tunnel ?? base?.tunnel
  return {
    ...members(onPort(base) ?? base ?? {}),
    ...members(onPort(subset) ?? subset ?? {}),
    ...(retryBudget === undefined ? {} : { retryBudget }),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(tunnel === undefined ? {} : { tunnel }),
  }
}
