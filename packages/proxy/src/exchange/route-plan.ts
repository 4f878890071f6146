import {
  type EffectiveTimeouts,
  effectiveRetryPolicy,
  effectiveTimeouts,
  filterOverride,
  fixedAdditions,
  headerLevels,
  type HeaderRules,
  type HttpConnectionManager,
  type RetryPolicy,
  type RouteAction,
  type Routed,
  type RouteConfig,
  type Route,
  type VirtualHost,
  type WeightedCluster,
} from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import { type FilterChain, filterChain, makeFilterChain } from '../filters/http-filter.ts'
import { safeAdditions } from './header-target.ts'
import type { RequestView } from './request-view.ts'
import type { Routing } from './routing.ts'

/** What follows from a route alone, worked out on its first use and kept as long as the route. */
export interface RoutePlan {
  readonly routed: Routed
  readonly retryPolicy: RetryPolicy | undefined
  /** Levels with anything to do, in order; empty: nothing to do. */
  readonly requestLevels: readonly HeaderRules[]
  readonly responseLevels: readonly HeaderRules[]
  /** All that the levels do, when it is the same for each message; undefined: they have to be applied. */
  readonly requestAdditions: readonly string[] | undefined
  readonly responseAdditions: readonly string[] | undefined
  /** True when path or authority change on the way. */
  readonly rewrites: boolean
  /** True when header rules set `x-envoy-*`, which may ask for other limits. */
  readonly asks: boolean
  /** True when a body that has grown is not worth keeping: only what no server has looked at is sent again. */
  readonly repeatsUnseen: boolean
  /** The filters of the manager that its requests came through last, as the route has them; filled on first use. */
  filters: FilterChain | undefined
  /** Limits of a request without wishes of its own; filled on first use. */
  limits: RouteLimits | undefined
  /** The living cluster that its requests went to last, and of which generation of the configuration it is. */
  cluster: { readonly generation: number; readonly living: UpstreamCluster } | undefined
  /** What deciding comes to when the cluster is the route's own; filled on first use. */
  routing: Routing | undefined
}

/** How long a request may take, and when it is repeated. */
export interface RouteLimits {
  readonly manager: HttpConnectionManager
  readonly timeouts: EffectiveTimeouts
  readonly retryPolicy: RetryPolicy | undefined
}

/** The limits of one exchange: the route's own, unless `x-envoy-*` headers may ask for others. */
export function limitsOf(
  { plan, manager, head }: { plan: RoutePlan | undefined; manager: HttpConnectionManager; head: RequestView },
  action: RouteAction,
): RouteLimits {
  const known = plan?.limits
  const asks =
    plan?.asks === true ||
    head.head.has(HeaderKind.X_ENVOY) ||
    action.grpcRequestTimeout !== undefined ||
    (action.grpcTimeout !== undefined && head.header('grpc-timeout') !== undefined)
  if (known !== undefined && !asks && known.manager === manager) return known
  const made = {
    manager,
    timeouts: effectiveTimeouts(manager, action, head),
    retryPolicy: effectiveRetryPolicy(plan?.retryPolicy, head),
  }
  if (plan !== undefined && !asks) plan.limits = made
  return made
}

/** The plans of a route: of itself, and of the legs of its split. */
interface PlansOfRoute {
  whole: RoutePlan | undefined
  readonly legs: Map<WeightedCluster, RoutePlan>
}

const plans = new WeakMap<Route, PlansOfRoute>()

/** The plan of a route and leg; a compiled route belongs to one virtual host of one configuration. */
export function routePlan(
  config: RouteConfig,
  host: VirtualHost,
  route: Route,
  leg: WeightedCluster | undefined,
): RoutePlan {
  let ofRoute = plans.get(route)
  if (ofRoute === undefined) plans.set(route, (ofRoute = { whole: undefined, legs: new Map() }))
  const known = leg === undefined ? ofRoute.whole : ofRoute.legs.get(leg)
  // Configurations share unchanged virtual hosts, so the same route may come back under a newer configuration.
  if (known?.routed.config === config) return known
  const made = makePlan({ config, host, route, leg })
  if (leg === undefined) ofRoute.whole = made
  else ofRoute.legs.set(leg, made)
  return made
}

/** The filters of a manager that have something to do for requests of a route. */
export function filtersOf(plan: RoutePlan | undefined, manager: HttpConnectionManager): FilterChain {
  if (plan === undefined) return filterChain(manager)
  const known = plan.filters
  if (known?.manager === manager) return known
  return (plan.filters = makeFilterChain(manager, (name) => filterOverride(name, plan.routed)))
}

function makePlan(routed: Routed): RoutePlan {
  const { route, host, leg } = routed
  const levels = headerLevels(routed)
  const requestLevels = levels.filter(({ requestAdd, requestRemove }) => requestAdd.length + requestRemove.length > 0)
  const responseLevels = levels.filter(
    ({ responseAdd, responseRemove }) => responseAdd.length + responseRemove.length > 0,
  )
  const action = route.action.kind === 'route' ? route.action : undefined
  const retryPolicy = action?.retryPolicy ?? host.retryPolicy
  return {
    routed,
    retryPolicy,
    repeatsUnseen: action?.internalRedirects === undefined && isForUnseen(retryPolicy),
    requestLevels,
    responseLevels,
    requestAdditions: safeAdditions(fixedAdditions('request', requestLevels)),
    responseAdditions: safeAdditions(fixedAdditions('response', responseLevels)),
    rewrites: action?.pathRewrite !== undefined || action?.hostRewrite !== undefined || leg?.hostRewrite !== undefined,
    asks: levels.some(({ requestAdd }) => requestAdd.some(({ name }) => name.startsWith('x-envoy-'))),
    filters: undefined,
    limits: undefined,
    cluster: undefined,
    routing: undefined,
  }
}

/** Whether a policy is no more than the mesh's default. */
function isForUnseen(policy: RetryPolicy | undefined): boolean {
  return [...(policy?.retryOn ?? [])].every((on) => on === 'connect-failure' || on === 'refused-stream')
}
