// The kind DestinationRule (networking.istio.io).
import { defineKind, type Written } from '../../kind-definition.ts'
import { destinationRuleSchema } from './schema.ts'
import type {
  ConsistentHash,
  DestinationRuleSpec,
  LoadBalancer,
  LocalityLoadBalancing,
  OutlierDetection,
  PortTrafficPolicy,
  Subset,
  TrafficPolicy,
  Warmup,
  ZoneAwareBalancing,
} from './types.ts'

/** Istio's DestinationRule. */
export const destinationRuleKind = defineKind({
  kind: 'DestinationRule',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: destinationRuleSchema,
  withDefaults: (spec) => ({
    host: spec.host ?? '',
    ...(spec.trafficPolicy === undefined ? {} : { trafficPolicy: policyDefaults(spec.trafficPolicy) }),
    subsets: (spec.subsets ?? []).map(subsetDefaults),
    ...(spec.workloadSelector === undefined
      ? {}
      : {
          workloadSelector: {
            matchLabels: (spec.workloadSelector.matchLabels ?? {}) as Readonly<Record<string, string>>,
          },
        }),
    exportTo: (spec.exportTo ?? ['*']) as DestinationRuleSpec['exportTo'],
  }),
})

function subsetDefaults(subset: Written<Subset>): Subset {
  const { trafficPolicy } = subset
  return {
    ...subset,
    labels: subset.labels ?? {},
    ...(trafficPolicy === undefined ? {} : { trafficPolicy: policyDefaults(trafficPolicy) }),
  } as Subset
}

function policyDefaults(policy: Written<TrafficPolicy>): TrafficPolicy {
  const { portLevelSettings: ports, proxyProtocol } = policy
  return {
    ...portDefaults(policy),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol: { version: proxyProtocol.version ?? 'V1' } }),
    ...(ports === undefined ? {} : { portLevelSettings: ports.map(portDefaults) }),
  } as TrafficPolicy
}

/** Old names become today's: LEAST_CONN (and what means the default), `warmupDurationSecs`, `consecutiveErrors`. */
function portDefaults<Policy extends Written<PortTrafficPolicy>>(policy: Policy): Policy {
  const { loadBalancer, outlierDetection } = policy
  return {
    ...policy,
    ...(loadBalancer === undefined ? {} : { loadBalancer: balancerDefaults(loadBalancer as WrittenBalancer) }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: outlierDefaults(outlierDetection) }),
  }
}

const simple = ['ROUND_ROBIN', 'RANDOM', 'PASSTHROUGH'] as const

interface WrittenBalancer extends Omit<Written<LoadBalancer>, 'consistentHash' | 'zoneAware'> {
  readonly warmupDurationSecs?: string
  readonly zoneAwareLbSetting?: Partial<ZoneAwareBalancing> & { readonly enabled?: boolean }
  readonly consistentHash?: WrittenHash
}

interface WrittenHash extends Omit<ConsistentHash, 'algorithm' | 'size'> {
  readonly ringHash?: { readonly minimumRingSize?: number }
  readonly maglev?: { readonly tableSize?: number }
  readonly minimumRingSize?: number
}

/** A size of 0 means that none was chosen. */
function hashDefaults({ ringHash, maglev, minimumRingSize, ...key }: WrittenHash): ConsistentHash {
  const size = maglev === undefined ? (ringHash?.minimumRingSize ?? minimumRingSize ?? 0) : (maglev.tableSize ?? 0)
  return { ...key, algorithm: maglev === undefined ? 'ring' : 'maglev', ...(size === 0 ? {} : { size }) }
}

function balancerDefaults(written: WrittenBalancer): LoadBalancer {
  const { warmupDurationSecs, warmup, consistentHash, localityLbSetting, zoneAwareLbSetting } = written
  const grows = warmup ?? (warmupDurationSecs === undefined ? undefined : { duration: warmupDurationSecs })
  return {
    simple: simple.find((name) => name === written.simple) ?? 'LEAST_REQUEST',
    ...(consistentHash === undefined ? {} : { consistentHash: hashDefaults(consistentHash) }),
    ...(localityLbSetting === undefined ? {} : { localityLbSetting: localityLbSetting as LocalityLoadBalancing }),
    ...zoneAware(zoneAwareLbSetting),
    ...(grows === undefined ? {} : { warmup: grows as Warmup }),
  }
}

/** It is off unless it is turned on; six endpoints are Envoy's least. */
function zoneAware(setting: WrittenBalancer['zoneAwareLbSetting']): Pick<LoadBalancer, 'zoneAware'> {
  if (setting?.enabled !== true) return {}
  const { failover, failoverPriority, minClusterSize = 6 } = setting
  return {
    zoneAware: {
      minClusterSize,
      ...(failover === undefined ? {} : { failover }),
      ...(failoverPriority === undefined ? {} : { failoverPriority }),
    },
  }
}

function outlierDefaults(
  written: Written<OutlierDetection> & { readonly consecutiveErrors?: number },
): OutlierDetection {
  const { consecutiveErrors, ...rest } = written
  if (consecutiveErrors === undefined || rest.consecutiveGatewayErrors !== undefined) return rest as OutlierDetection
  return { ...rest, consecutiveGatewayErrors: consecutiveErrors } as OutlierDetection
}
