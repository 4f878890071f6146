// The kind DestinationRule (networking.istio.io).
import { defineKind, type Written } from '../../kind-definition.ts'
import { destinationRuleSchema } from './schema.ts'
import type { DestinationRuleSpec, PortTrafficPolicy, Subset, TrafficPolicy } from './types.ts'

/** Istio's DestinationRule. */
export const destinationRuleKind = defineKind({
  kind: 'DestinationRule',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: destinationRuleSchema,
  withDefaults: (spec) => ({
    host: spec.host ?? '',
    ...(spec.trafficPolicy === undefined ? {} : { trafficPolicy: policyDefaults(spec.trafficPolicy) }),
    subsets: (spec.subsets ?? []).map(subsetDefaults),
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
  const ports = policy.portLevelSettings
  return {
    ...portDefaults(policy),
    ...(ports === undefined ? {} : { portLevelSettings: ports.map(portDefaults) }),
  } as TrafficPolicy
}

/** LEAST_CONN is Istio's old name of LEAST_REQUEST, which is also what UNSPECIFIED means. */
function portDefaults<Policy extends Written<PortTrafficPolicy>>(policy: Policy): Policy {
  if (policy.loadBalancer === undefined) return policy
  const simple = policy.loadBalancer.simple as string | undefined
  if (simple !== undefined && simple !== 'LEAST_CONN' && simple !== 'UNSPECIFIED') return policy
  return { ...policy, loadBalancer: { simple: 'LEAST_REQUEST' } }
}
