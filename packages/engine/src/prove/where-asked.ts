// Which requests are asked by the same policies, as predicates: where routes have policies of their own, another path may lead to others.
import { filterOverride } from '../decide/filter-override.ts'
import type { FilterOverride, Route, RouteConfig, VirtualHost } from '../model.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { inVirtualHost } from './in-virtual-host.ts'

/** Where a request is; without a route, none of the host took it. */
export interface RouteFound {
  readonly config: RouteConfig
  readonly host: VirtualHost
  readonly route: Route | undefined
}

/** Requests of the same route, and of all routes of the host that the filter asks by the same rules. */
export interface WhereAsked {
  readonly onRoute: Predicate
  readonly inHost: Predicate
}

/** Undefined where every request is asked by the same rules. */
export function whereAsked(found: RouteFound, filterName: string, subject: Subject): WhereAsked | undefined {
  const { config, host, route } = found
  const levels = [config, ...config.virtualHosts, ...config.virtualHosts.flatMap(({ routes }) => routes)]
  if (!levels.some(({ filterOverrides }) => filterOverrides.has(filterName))) return undefined
  const rulesOf = (one: Route | undefined): FilterOverride | undefined =>
    one === undefined ? undefined : filterOverride(filterName, { config, host, route: one, leg: undefined })
  const places = [...host.routes, undefined].filter((one) => rulesOf(one) === rulesOf(route))
  const here = inVirtualHost({ host, config }, subject)
  return {
    onRoute: { op: 'and', all: [here, taking(host, route)] },
    inHost: { op: 'and', all: [here, { op: 'or', any: places.map((one) => taking(host, one)) }] },
  }
}

/** The route takes the request, and none before it. */
function taking({ routes }: VirtualHost, route: Route | undefined): Predicate {
  const before = route === undefined ? routes : routes.slice(0, route.index)
  const others = before.map(({ match }): Predicate => ({ op: 'not', not: match.predicate }))
  return { op: 'and', all: route === undefined ? others : [route.match.predicate, ...others] }
}
