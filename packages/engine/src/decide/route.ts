// Which route of a virtual host a request takes: the first that matches.
import type { Route, RouteConfig, VirtualHost } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'
import { pathWithQuery } from '../match/attribute.ts'
import type { Subject } from '../request-head.ts'
import { matchVirtualHost } from './virtual-host.ts'

/** What the router finds. */
export type RouteDecision =
  | { readonly kind: 'route'; readonly host: VirtualHost; readonly route: Route }
  /** `require_tls`: answer 301 with this location. */
  | { readonly kind: 'tls-redirect'; readonly host: VirtualHost; readonly location: string }
  | { readonly kind: 'none'; readonly reason: 'no-virtual-host' | 'no-route'; readonly host: VirtualHost | undefined }

/** Virtual host, `require_tls`, route: all the router asks a route configuration. */
export function decideRoute(config: RouteConfig, subject: Subject, recorder?: Recorder): RouteDecision {
  return decideRouteIn(matchVirtualHost(config, subject.head.authority(), recorder), config, subject, recorder)
}

/** As `decideRoute`, when the virtual host of the request's authority is known. */
export function decideRouteIn(
  host: VirtualHost | undefined,
  config: RouteConfig,
  subject: Subject,
  recorder?: Recorder,
): RouteDecision {
  if (host === undefined) return { kind: 'none', reason: 'no-virtual-host', host }
  if (needsTls(host, subject)) {
    const location = `https://${subject.head.authority()}${pathWithQuery(subject.head) ?? ''}`
    return { kind: 'tls-redirect', host, location }
  }
  const route = matchRoute(host, subject, recorder, config)
  return route === undefined ? { kind: 'none', reason: 'no-route', host } : { kind: 'route', host, route }
}

/** The first route that matches; undefined: 404. With `config` a proof may name another authority of the same host. */
export function matchRoute(
  host: VirtualHost,
  subject: Subject,
  recorder?: Recorder,
  config?: RouteConfig,
): Route | undefined {
  const route = firstMatch(host.routes, subject)
  recorder?.step({
    decision: 'route',
    chosen: route === undefined ? undefined : routeName(route),
    summary: route === undefined ? `no route of ${host.name} matches` : `route ${routeName(route)} of ${host.name}`,
    origins: route?.origins ?? host.origins,
    losers: recorder.losers.ofRoutes({ host, config }, subject, route?.index ?? host.routes.length),
  })
  return route
}

/** The name people know a route by. */
export function routeName(route: Pick<Route, 'name' | 'index'>): string {
  return route.name || `routes[${route.index}]`
}

function firstMatch(routes: readonly Route[], subject: Subject): Route | undefined {
  for (const route of routes) if (route.match.test(subject)) return route
  return undefined
}

function needsTls(host: VirtualHost, subject: Subject): boolean {
  if (host.requireTls === 'none') return false
  if ((subject.head.header('x-forwarded-proto') ?? subject.head.scheme()) === 'https') return false
  return host.requireTls === 'all' || subject.head.header('x-envoy-internal') !== 'true'
}
