// A request changed so that it reaches a route that others seldom reach: by the engine's own counterfactual, which the proxies then judge.
import type { Route, RouteConfig, VirtualHost } from '@weft/engine'
import { routeLosers } from '../../../packages/engine/src/prove/route-losers.ts'
import { canBeSent, changedRequest } from './counterfactual.ts'
import type { EngineProxy } from './engine-proxy.ts'
import { routeTraits } from './exercises.ts'
import type { TestRequest } from './generate-request.ts'
import type { SeededRandom } from './seeded-random.ts'
import { askedHeaders, origins, outsideWildcard } from './vocabulary.ts'

/** Every so many: what is drawn alone shows how routes lose, which aiming does not. */
const share = 0.8

/**
 * The request, mostly on its way to some route of the proxy; as it was where none can be reached. `seen`: how often requests to this
 * mesh did what, so that rare things come as often as common ones.
 */
export function aimedRequest(
  random: SeededRandom,
  engine: EngineProxy,
  request: TestRequest,
  seen: Map<string, number>,
): TestRequest {
  const config = engine.routes
  if (config === undefined || isRare(request) || !random.chance(share)) return request
  const kinds = routesByTrait(config)
  if (kinds.size === 0) return request
  // First what it should do, then which of those that do it: what came least so far.
  const least = Math.min(...[...kinds.keys()].map((kind) => timesSeen(seen, kind)))
  const trait = random.pick([...kinds.keys()].filter((kind) => timesSeen(seen, kind) === least))
  // What cannot be reached is given up in time.
  seen.set(`aim ${trait}`, (seen.get(`aim ${trait}`) ?? 0) + 1)
  const target = random.pick(kinds.get(trait) ?? [])
  if (trait === 'cors') return fromPage(random, engine, config, { ...target, request })
  return reaching(engine, config, { ...target, request }) ?? request
}

/** Hosts of a kind of which there is one among many, so that none of its few requests is led elsewhere. */
function isRare({ authority }: TestRequest): boolean {
  return authority.toLowerCase().includes(outsideWildcard.slice(1))
}

/** What is met without being aimed at. */
const common = /^(redirect|fault|split)$/

/** What comes of a route only if the rest of the request, or the application, agrees. */
const outcomes: Readonly<Record<string, string>> = {
  cors: 'preflights answered',
  'session by cookie': 'kept by a cookie',
  'session by header': 'kept by a header',
  hedging: 'hedged',
  'time limit': 'time limits run out',
  'retries of answers': 'repeated after an answer',
}

function timesSeen(seen: ReadonlyMap<string, number>, trait: string): number {
  return (seen.get(outcomes[trait] ?? trait) ?? 0) + (seen.get(`aim ${trait}`) ?? 0) / 2
}

interface Target {
  readonly host: VirtualHost
  readonly route: Route
}

interface Shot extends Target {
  readonly request: TestRequest
}

const sortedRoutes = new WeakMap<RouteConfig, ReadonlyMap<string, readonly Target[]>>()

function routesByTrait(config: RouteConfig): ReadonlyMap<string, readonly Target[]> {
  const found = sortedRoutes.get(config) ?? sorted(config)
  sortedRoutes.set(config, found)
  return found
}

function sorted(config: RouteConfig): ReadonlyMap<string, readonly Target[]> {
  const byTrait = new Map<string, Target[]>()
  for (const host of config.virtualHosts) {
    for (const route of host.routes) {
      if (route.pathMatch.kind === 'connect') continue
      for (const trait of routeTraits(route)) {
        if (common.test(trait)) continue
        const others = byTrait.get(trait)
        if (others === undefined) byTrait.set(trait, [{ host, route }])
        else others.push({ host, route })
      }
    }
  }
  return byTrait
}

function reaching(engine: EngineProxy, config: RouteConfig, { host, route, request }: Shot): TestRequest | undefined {
  const explained = engine.explain(request)
  const loser = routeLosers({ host, config }, explained.subject, route.index + 1).at(-1)
  if (loser?.counterfactual === undefined) return undefined
  const changed = changedRequest({ side: engine.side, request, explained }, loser.counterfactual)
  return changed !== undefined && canBeSent(changed) ? changed : undefined
}

/** What a browser asks first or then, from a page that the policy knows if there is one. */
function fromPage(random: SeededRandom, engine: EngineProxy, config: RouteConfig, shot: Shot): TestRequest {
  const kept = shot.request.headers.filter(([name]) => !/^(origin|access-control-|content-type)/i.test(name))
  const from = random.int(origins.length)
  const first = random.chance(0.6)
  const asked = random.chance(0.6) ? [['access-control-request-headers', random.pick(askedHeaders)] as const] : []
  const asking = origins.map((_, index): TestRequest => {
    const origin = origins[(from + index) % origins.length] ?? ''
    if (!first) return { ...shot.request, headers: [...kept, ['origin', origin]] }
    const lines = [['origin', origin] as const, ['access-control-request-method', 'PUT'] as const]
    return { ...shot.request, method: 'OPTIONS', headers: [...kept, ...lines, ...asked] }
  })
  const shots = asking.map((request) => reaching(engine, config, { ...shot, request }) ?? request)
  const name = `access-control-allow-${first ? 'methods' : 'origin'}`
  const answered = shots.find((one) => name in engine.explain(one).answer.headers)
  return answered ?? shots[0] ?? shot.request
}
