// Why the routes before the chosen one lost, and what would have made each of them win.
import type { Route, RouteConfig, VirtualHost } from '../model.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { failedConditions } from './describe.ts'
import { implies } from './implies.ts'
import { inVirtualHost } from './in-virtual-host.ts'
import type { Loser } from './proof.ts'
import { solve } from './satisfy.ts'
import { verdictOn } from './verdict-on.ts'

/** Where routes are looked for. Without `config` a counterfactual keeps the authority. */
export interface RoutePlace {
  readonly host: VirtualHost
  readonly config: RouteConfig | undefined
}

/** The routes before `chosen`. A counterfactual stays in the virtual host. */
export function routeLosers(place: RoutePlace, subject: Subject, chosen: number): readonly Loser[] {
  const sameHost = inVirtualHost(place, subject)
  return place.host.routes.slice(0, chosen).map((route) => routeLoser(place.host, route, subject, sameHost))
}

/** One route that lost. */
function routeLoser(host: VirtualHost, route: Route, subject: Subject, sameHost: Predicate): Loser {
  const earlier = host.routes.slice(0, route.index)
  const goal: Predicate[] = [sameHost, route.match.predicate]
  for (const before of earlier) goal.push({ op: 'not', not: before.match.predicate })
  const solution = solve(goal, subject)
  return {
    name: route.name || `routes[${route.index}]`,
    origins: route.origins,
    failed: failedConditions(route.match.predicate, subject),
    ...verdictOn(solution, () => whyUnreachable(host, route, [sameHost], subject)),
  }
}

/** Names what stands in the way: a rule that covers it, or those that catch what would reach it. */
function whyUnreachable(host: VirtualHost, route: Route, fixed: Predicate[], subject: Subject): string {
  const earlier = host.routes.slice(0, route.index)
  const covering = earlier.find((before) => implies(route.match.predicate, before.match.predicate))
  if (covering !== undefined) return `shadowed by ${nameIn(host, covering)}`
  if (solve([...fixed, route.match.predicate], subject).kind === 'none') return 'no request satisfies it'
  const names = earlier.filter((before) => overlaps(before, route, subject)).map((before) => nameIn(host, before))
  return `shadowed by ${names.join(', ')} together`
}

/** Objects that are merged into one virtual host may have rules of the same name: such a rule is told by where it was written. */
function nameIn({ routes }: VirtualHost, route: Route): string {
  const name = route.name || `routes[${route.index}]`
  const { origin } = route.origins
  const isOnly = routes.every((other) => other === route || other.name !== route.name)
  return isOnly || origin === undefined ? name : `${name} (${origin})`
}

function overlaps(before: Route, route: Route, subject: Subject): boolean {
  return solve([route.match.predicate, before.match.predicate], subject).kind !== 'none'
}
