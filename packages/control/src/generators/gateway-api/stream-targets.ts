// Where the connections of TLSRoutes and TCPRoutes go.
import { originOf, type Origin } from '@weft/core'
import { resolveBackend } from '../../gateway-api/backends.ts'
import type { RouteRefs } from '../../gateway-api/gateway-refs.ts'
import type { Route, TcpRoute } from '../../gateway-api/objects.ts'
import { blackHole } from '../static-clusters.ts'
import type { TcpTarget } from '../tcp-proxy.ts'
import { clusterOfTarget, type VariantRefs } from './clusters-of-backends.ts'

/** Clusters by weight, and the rule that says so. */
export interface StreamTargets {
  readonly targets: readonly TcpTarget[]
  readonly origin: Origin
}

/** The clusters of a route's first rule; what leads nowhere is closed at once, in its share. */
export function streamTargets(route: Route, refs: RouteRefs & VariantRefs): StreamTargets {
  const rule = (route as TcpRoute).spec.rules[0]
  const targets = (rule?.backendRefs ?? [])
    .map((ref) => {
      const resolved = resolveBackend(route, ref, refs)
      return { cluster: resolved.ok ? clusterOfTarget(route, resolved.target, refs) : blackHole, weight: ref.weight }
    })
    .filter(({ weight }) => weight > 0)
  return { targets, origin: originOf(route.id, 'spec.rules[0]') }
}
