// Fields that Istio will drop.
import type { Check, Fault } from '../check.ts'
import { dig, fieldsOf, itemsOf, type WrittenObject } from '../written-object.ts'

function* checkVirtualService({ spec }: WrittenObject): Iterable<Fault> {
  for (const [i, rule] of itemsOf(spec['http']).entries()) {
    for (const kind of ['delay', 'abort']) {
      if (fieldsOf(dig(rule, 'fault', kind))['percent'] === undefined) continue
      yield deprecated(`spec.http[${i}].fault.${kind}.percent`, 'Write percentage: { value: ... }.')
    }
    for (const field of ['mirrorPercent', 'mirror_percent']) {
      if (rule[field] === undefined) continue
      yield deprecated(`spec.http[${i}].${field}`, 'Write mirrorPercentage: { value: ... }.')
    }
  }
}

function* checkSidecar({ spec }: WrittenObject): Iterable<Fault> {
  if (dig(spec, 'outboundTrafficPolicy', 'egressProxy') === undefined) return
  yield deprecated('spec.outboundTrafficPolicy.egressProxy', 'Route to the proxy by a VirtualService.')
}

function* checkDestinationRule({ spec }: WrittenObject): Iterable<Fault> {
  const policies = [spec['trafficPolicy'], ...itemsOf(spec['subsets']).map(({ trafficPolicy }) => trafficPolicy)]
  for (const [i, policy] of policies.entries()) {
    if (dig(policy, 'outlierDetection', 'consecutiveErrors') === undefined) continue
    const at = i === 0 ? 'spec.trafficPolicy' : `spec.subsets[${i - 1}].trafficPolicy`
    yield deprecated(`${at}.outlierDetection.consecutiveErrors`, 'Write consecutive5xxErrors.')
  }
}

function deprecated(field: string, mend: string): Fault {
  return { code: 'IST0002', field, message: 'is deprecated and will go', mend }
}

/** Checks of deprecated fields. */
export const deprecatedFields: readonly Check[] = [
  { name: 'deprecated-fields', kinds: ['VirtualService.networking.istio.io'], run: checkVirtualService },
  { name: 'deprecated-fields', kinds: ['Sidecar.networking.istio.io'], run: checkSidecar },
  { name: 'deprecated-fields', kinds: ['DestinationRule.networking.istio.io'], run: checkDestinationRule },
]
