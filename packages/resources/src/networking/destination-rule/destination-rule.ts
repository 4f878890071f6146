// The kind DestinationRule (networking.istio.io).
import { defineKind, type Written } from '../../kind-definition.ts'
import { destinationRuleSchema } from './schema.ts'
import type {
  DestinationRuleSpec,
  LoadBalancer,
  OutlierDetection,
  PortTrafficPolicy,
  Subset,
  TrafficPolicy,
  Warmup,
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

/** Old names become today's: LEAST_CONN (and what means the default), `warmupDurationSecs`, `consecutiveErrors`. */
function portDefaults<Policy extends Written<PortTrafficPolicy>>(policy: Policy): Policy {
  const { loadBalancer, outlierDetection } = policy
  return {
    ...policy,
    ...(loadBalancer === undefined ? {} : { loadBalancer: balancerDefaults(loadBalancer) }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: outlierDefaults(outlierDetection) }),
  }
}

const simple = ['ROUND_ROBIN', 'RANDOM'] as const

function balancerDefaults(written: Written<LoadBalancer> & { readonly warmupDurationSecs?: string }): LoadBalancer {
  const { warmupDurationSecs, warmup } = written
  const grows = warmup ?? (warmupDurationSecs === undefined ? undefined : { duration: warmupDurationSecs })
  return {
    simple: simple.find((name) => name === written.simple) ?? 'LEAST_REQUEST',
    ...(grows === undefined ? {} : { warmup: grows as Warmup }),
  }
}

function outlierDefaults(
  written: Written<OutlierDetection> & { readonly consecutiveErrors?: number },
): OutlierDetection {
  const { consecutiveErrors, ...rest } = written
  if (consecutiveErrors === undefined || rest.consecutiveGatewayErrors !== undefined) return rest as OutlierDetection
  return { ...rest, consecutiveGatewayErrors: consecutiveErrors } as OutlierDetection
}
