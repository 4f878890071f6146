// The router's decisions of one exchange: route, cluster, and answers that need no upstream.
import {
  type ActiveConfig,
  chooseCluster,
  decideRouteIn,
  directLocation,
  editHeaders,
  type HeaderTarget,
  type HttpConnectionManager,
  matchVirtualHost,
  redirectResponse,
  type Route,
  type RouteAction,
  type RouteConfig,
  type RouteDecision,
  type Subject,
  type VirtualHost,
} from '@weft/engine'
import { headerSafe } from '../codec/head-edits.ts'
import type { ExchangeRecord } from '../telemetry/exchange-record.ts'
import { exchangeErrors } from './error-table.ts'
import { type LocalReply, replyOf } from './local-reply.ts'
import { readOperator } from './read-operator.ts'
import { type RoutePlan, routePlan } from './route-plan.ts'

/** Where a request goes, worked out before the filters run, since they may ask for it. */
export interface Routing {
  /** Undefined: the route configuration is not there. */
  readonly decision: RouteDecision | undefined
  readonly route: Route | undefined
  readonly plan: RoutePlan | undefined
  /** Undefined: no cluster was chosen. It need not exist. */
  readonly clusterName: string | undefined
}

/** Nothing chosen. */
export const nowhere: Routing = { decision: undefined, route: undefined, plan: undefined, clusterName: undefined }

/** Chooses route and cluster. */
export function decideRouting(config: ActiveConfig, manager: HttpConnectionManager, subject: Subject): Routing {
  const { routes } = manager
  const routeConfig = routes.kind === 'inline' ? routes.config : namedRoutes(config, routes.name)
  if (routeConfig === undefined) return nowhere
  const decision = decideRouteIn(hostOf(routeConfig, subject.head.authority()), routeConfig, subject)
  if (decision.kind !== 'route') return { ...nowhere, decision }
  const { route, host } = decision
  const choice = route.action.kind === 'route' ? chooseCluster(route.action, subject) : undefined
  const chosen = choice?.kind === 'cluster' ? choice : undefined
  const plan = routePlan(routeConfig, host, route, chosen?.leg)
  const clusterName = chosen?.name
  const known = plan.routing
  // A header may name the cluster.
  if (known !== undefined && known.clusterName === clusterName) return known
  return (plan.routing = { decision, route, plan, clusterName })
}

let lastConfig: ActiveConfig | undefined
let lastName = ''
let lastRoutes: RouteConfig | undefined

/** Mostly those that were asked for before. */
function namedRoutes(config: ActiveConfig, name: string): RouteConfig | undefined {
  if (config !== lastConfig || name !== lastName) {
    lastConfig = config
    lastName = name
    lastRoutes = config.routeConfigs.get(name)
  }
  return lastRoutes
}

let lastAsked: RouteConfig | undefined
let lastAuthority = ''
let lastHost: VirtualHost | undefined

/** The virtual host of an authority: mostly the one that was asked for before. */
function hostOf(config: RouteConfig, authority: string): VirtualHost | undefined {
  if (config !== lastAsked || authority !== lastAuthority) {
    lastHost = matchVirtualHost(config, authority)
    lastAsked = config
    lastAuthority = authority
  }
  return lastHost
}

/** The action to forward by, or the answer we give ourselves. */
export function routerOutcome(routing: Routing, exchange: Subject & ExchangeRecord): RouteAction | LocalReply {
  const { decision, plan } = routing
  if (decision === undefined) return replyOf(exchangeErrors.noRouteConfig)
  if (decision.kind === 'none') {
    return replyOf(decision.reason === 'no-route' ? exchangeErrors.noRoute : exchangeErrors.noVirtualHost)
  }
  if (decision.kind === 'tls-redirect') return redirect(301, decision.location, [])
  const { action } = decision.route
  switch (action.kind) {
    case 'route':
      return action
    case 'redirect': {
      const { status, location } = redirectResponse(action, decision.route, exchange.head)
      return redirect(status, location, ownHeaders(plan, exchange))
    }
    case 'direct': {
      const body = Array.from(action.body, (byte) => String.fromCharCode(byte)).join('')
      const location = directLocation(action.status, exchange.head)
      const headers = [...(location === undefined ? noHeaders : ['location', headerSafe(location)])]
      headers.push(...ownHeaders(plan, exchange))
      return { status: action.status, details: 'direct_response', body, headers }
    }
    case 'non-forwarding':
      return replyOf(exchangeErrors.noRoute)
  }
}

function redirect(status: number, location: string, more: readonly string[]): LocalReply {
  return { status, details: 'direct_response', headers: ['location', headerSafe(location), ...more] }
}

const noHeaders: readonly string[] = []

/** What the route's header rules add to an answer of our own: names and values in turn. */
function ownHeaders(plan: RoutePlan | undefined, exchange: ExchangeRecord): readonly string[] {
  if (plan === undefined || plan.responseLevels.length === 0) return noHeaders
  let lines: (readonly [string, string])[] = []
  const target: HeaderTarget = {
    has: (name) => lines.some(([key]) => key === name),
    add: (name, value) => void lines.push([name, headerSafe(value)]),
    set(name, value) {
      lines = [...lines.filter(([key]) => key !== name), [name, headerSafe(value)]]
    },
    remove: (name) => void (lines = lines.filter(([key]) => key !== name)),
  }
  editHeaders('response', plan.responseLevels, target, (operator) => readOperator(operator, exchange))
  return lines.flat()
}

/** An answer given in place of an upstream carries the route's response headers too, whoever gives it (as in Envoy). */
export function withRouteHeaders(
  reply: LocalReply,
  exchange: ExchangeRecord & { readonly plan: RoutePlan | undefined },
): LocalReply {
  const { plan } = exchange
  const applies = plan !== undefined && plan.responseLevels.length > 0 && plan.routed.route.action.kind === 'route'
  if (!applies || reply.asIs === true) return reply
  return { ...reply, headers: [...(reply.headers ?? []), ...ownHeaders(plan, exchange)] }
}

/** Whether the route, or else the manager, lets a request switch to this protocol; undefined: CONNECT. */
export function maySwitch(
  protocol: string | undefined,
  route: Route | undefined,
  manager: HttpConnectionManager,
): boolean {
  // Without a route a CONNECT is as lost as any request.
  if (protocol === undefined && route === undefined) return true
  const type = protocol?.toLowerCase() ?? 'connect'
  const action = route?.action
  const onRoute = action?.kind === 'route' ? action.upgrades.get(type)?.enabled : undefined
  return onRoute ?? manager.upgrades.has(type)
}
