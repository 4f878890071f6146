// envoy.config.route.v3.RouteAction.RequestMirrorPolicy.
import type * as lean from '@weft/xds/lean'
import type { MirrorPolicy } from '../model.ts'
import { compileFraction } from './fraction.ts'
import { refuse } from './refusal.ts'

/** As Envoy writes them on each level. */
type Policies = readonly lean.RouteAction_RequestMirrorPolicy[]

const always = { numerator: 1, denominator: 1 }

/** The policies of one level; without any those of the next wider one hold. */
export function compileMirrors(
  at: string,
  policies: Policies,
  wider: readonly MirrorPolicy[],
): readonly MirrorPolicy[] {
  return policies.length === 0 ? wider : policies.map((policy, index) => compileMirror(`${at}[${index}]`, policy))
}

function compileMirror(at: string, policy: lean.RouteAction_RequestMirrorPolicy): MirrorPolicy {
  const { cluster, clusterHeader, runtimeFraction } = policy
  if ((cluster === '') === (clusterHeader === ''))
    return refuse(at, 'exactly one of cluster and cluster_header must be set')
  return {
    cluster: cluster === '' ? { header: clusterHeader.toLowerCase() } : { name: cluster },
    ...(runtimeFraction === undefined ? always : compileFraction(runtimeFraction.defaultValue)),
    marksHost: !policy.disableShadowHostSuffixAppend,
  }
}
