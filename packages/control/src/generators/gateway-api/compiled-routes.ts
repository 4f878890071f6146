// The rules of HTTPRoutes and GRPCRoutes as one list of routes, in the order in which they are tried.
import { originOf, type Origin } from '@weft/core'
import type { RouteSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { GrpcRoute, HttpRoute, Route } from '../../gateway-api/objects.ts'
import { byPrecedence, grpcRank, httpRank, type Ranked } from '../../gateway-api/precedence.ts'
import type { Loser } from '../generator.ts'
import { weftMetadata } from '../metadata.ts'
import type { Init } from '../init.ts'
import { forward, type ForwardContext, type ForwardRule } from './forward.ts'
import { grpcMatch, httpMatch } from './route-matches.ts'

type RouteInit = Init<typeof RouteSchema>

interface RankedMatch extends Ranked {
  readonly route: Route
  readonly rule: ForwardRule & { readonly name?: string }
  /** How many matches the rule has: one needs no name of its own. */
  readonly matches: number
  readonly match: RouteInit['match']
  readonly path: Parameters<typeof forward>[2]
  readonly origin: Origin
}

/** Routes in order, and the matches that none can reach. */
export interface CompiledRoutes {
  readonly routes: readonly RouteInit[]
  readonly losers: readonly Loser[]
}

/** Compiles the routes under one name; each level is tried before the next. */
export function compileRoutes(levels: readonly (readonly Route[])[], context: ForwardContext): CompiledRoutes {
  const routes: RouteInit[] = []
  const losers: Loser[] = []
  let catchAll: Origin | undefined
  for (const [level, members] of levels.entries()) {
    for (const one of members.flatMap(matchesOf).sort(byPrecedence)) {
      if (catchAll === undefined) {
        routes.push(routeOf(one, context))
        if (takesEverything(one.match)) catchAll = one.origin
      } else if (level === 0) {
        // That a wider hostname is not reached is what the narrower one is for.
        losers.push({
          origin: one.origin,
          reason: 'shadowed',
          by: catchAll,
          detail: 'an earlier rule takes every request',
        })
      }
    }
  }
  return { routes, losers }
}

function routeOf(one: RankedMatch, context: ForwardContext): RouteInit {
  const rule = originOf(one.route.id, `spec.rules[${one.ruleIndex}]`)
  const name = one.rule.name ?? rule
  return {
    name: one.matches > 1 ? `${name}.${one.matchIndex}` : name,
    match: one.match,
    ...forward(one.route, one.rule, one.path, context),
    metadata: weftMetadata({ origin: one.origin, rule }),
  }
}

function matchesOf(route: Route): RankedMatch[] {
  if (route.id.kind === 'GRPCRoute') return grpcMatches(route as GrpcRoute)
  return (route as HttpRoute).spec.rules.flatMap((rule, ruleIndex) =>
    rule.matches.map((match, matchIndex) => ({
      ...place(route, ruleIndex, matchIndex, rule.matches.length),
      rule,
      rank: httpRank(match),
      match: httpMatch(match),
      path: match,
    })),
  )
}

function grpcMatches(route: GrpcRoute): RankedMatch[] {
  return (route.spec.rules ?? []).flatMap((rule, ruleIndex) => {
    const matches = rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches
    return matches.map((match, matchIndex) => ({
      ...place(route, ruleIndex, matchIndex, rule.matches?.length ?? 0),
      rule,
      rank: grpcRank(match),
      match: grpcMatch(match),
      path: undefined,
    }))
  })
}

function place(
  route: Route,
  ruleIndex: number,
  matchIndex: number,
  matches: number,
): Pick<RankedMatch, 'route' | 'ruleIndex' | 'matchIndex' | 'matches' | 'origin'> {
  const rule = `spec.rules[${ruleIndex}]`
  const origin = originOf(route.id, matches === 0 ? rule : `${rule}.matches[${matchIndex}]`)
  return { route, ruleIndex, matchIndex, matches, origin }
}

function takesEverything(match: RouteInit['match']): boolean {
  const path = match?.pathSpecifier
  return (
    path?.case === 'prefix' &&
    path.value === '/' &&
    (match?.headers ?? []).length === 0 &&
    (match?.queryParameters ?? []).length === 0
  )
}
