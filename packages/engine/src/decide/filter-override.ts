// Which per-route setting of an http filter applies.
import { mergeCors } from './cors.ts'
import type { FilterOverride, HttpFilter, Route, RouteConfig, VirtualHost, WeightedCluster } from '../model.ts'

/** Where a request was routed to. */
export interface Routed {
  readonly config: RouteConfig
  readonly host: VirtualHost
  readonly route: Route
  readonly leg: WeightedCluster | undefined
}

/**
 * The most specific setting: weighted cluster, route, virtual host, route configuration. What a CORS policy leaves open the
 * next one says.
 */
export function filterOverride(name: string, { leg, route, host, config }: Routed): FilterOverride | undefined {
  const levels = [leg?.filterOverrides, route.filterOverrides, host.filterOverrides, config.filterOverrides]
  let found: FilterOverride | undefined
  for (const level of levels) {
    const one = level?.get(name)
    if (one === undefined) continue
    if (found === undefined) found = one
    else if (found.kind === 'cors' && one.kind === 'cors')
      found = { kind: 'cors', policy: mergeCors(found.policy, one.policy) }
    if (found.kind !== 'cors') return found
  }
  return found
}

/** Whether a filter runs for this route: an override with a configuration turns a disabled filter on. */
export function isFilterEnabled(filter: HttpFilter, override: FilterOverride | undefined): boolean {
  if (override === undefined) return !filter.disabled
  return override.kind !== 'disabled'
}
