// Copies of requests.
import { type HttpRoute, mirrorsOf } from '@weft/resources'
import type { RouteAction_RequestMirrorPolicySchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { Init } from '../init.ts'
import { millionths } from './millionths.ts'
import type { ClusterOf } from './route-action.ts'

/** One policy per mirror that gets anything. The copy names the same host as the request, as in Istio today. */
export function mirrorPolicies(
  rule: HttpRoute,
  clusterOf: ClusterOf,
): Init<typeof RouteAction_RequestMirrorPolicySchema>[] {
  return mirrorsOf(rule)
    .filter(({ percentage }) => percentage.value > 0)
    .map(({ destination, percentage }) => ({
      cluster: clusterOf(destination),
      runtimeFraction: { defaultValue: millionths(percentage.value) },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    }))
}
