// Which per-route setting of an http filter applies.
import type { FilterOverride, HttpFilter, Route, RouteConfig, VirtualHost, WeightedCluster } from '../model.ts'

/** Where a request was routed to. */
export interface Routed {
  readonly config: RouteConfig
  readonly host: VirtualHost
  readonly route: Route
  readonly leg: WeightedCluster | undefined
}

/** The most specific setting: weighted cluster, route, virtual host, route configuration. */
export function filterOverride(name: string, routed: Routed): FilterOverride | undefined {
  return (
    routed.leg?.filterOverrides.get(name) ??
    routed.route.filterOverrides.get(name) ??
    routed.host.filterOverrides.get(name) ??
    routed.config.filterOverrides.get(name)
  )
}

/** Whether a filter runs for this route: an override with a configuration turns a disabled filter on. */
export function isFilterEnabled(filter: HttpFilter, override: FilterOverride | undefined): boolean {
  if (override === undefined) return !filter.disabled
  return override.kind !== 'disabled'
}
