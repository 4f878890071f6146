// Requests that reach every route of a golden case, by the engine's own counterfactuals, and what may become of each.
import { type Route, type RouteAction, type VirtualHost } from '@weft/engine'
import { routeLosers } from '../../../packages/engine/src/prove/route-losers.ts'
import { applicationHeader } from '../differential/application.ts'
import { canBeSent, changedRequest } from '../differential/counterfactual.ts'
import { type Draws, EngineProxy, type Explained } from '../differential/engine-proxy.ts'
import type { TestRequest } from '../differential/generate-request.ts'
import type { Entrance, Left } from './golden-stage.ts'

/** A request and every answer that chance allows. */
export interface Play {
  readonly request: TestRequest
  readonly answers: readonly Explained[]
}

/** What an entrance is asked. */
export interface Plays {
  readonly plays: readonly Play[]
  /** Routes that some request reaches. */
  readonly routes: number
  /** Routes that no request is sent to. */
  readonly left: readonly Left[]
  /** Routes that the engine says can be reached, and by requests that do not reach them. */
  readonly faults: readonly string[]
}

/** Makes them. */
export function goldenRequests(entrance: Entrance): Plays {
  const engine = new EngineProxy(entrance.side, entrance.view, entrance.at, () => undefined)
  const found = { plays: [] as Play[], routes: 0, left: [] as Left[], faults: [] as string[] }
  for (const host of entrance.routes.virtualHosts) {
    const base = baseRequest(entrance, engine, host)
    if (base === undefined) {
      found.left.push({ what: `${entrance.name} ${host.name}`, why: 'other hosts take all names of its host' })
      continue
    }
    const explained = engine.explain(base)
    if (host.requireTls !== 'none') {
      found.left.push({
        what: `${entrance.name} ${host.name}`,
        why: 'its host sends everybody to https, which is asked for',
      })
      found.plays.push({ request: base, answers: [explained] })
      continue
    }
    const losers = routeLosers({ host, config: entrance.routes }, explained.subject, host.routes.length)
    for (const [index, loser] of losers.entries()) {
      const route = host.routes[index] as Route
      const what = `${entrance.name} ${host.name} ${loser.name}`
      const whyNot = whyNotAsked(route, entrance)
      if (whyNot !== undefined || loser.counterfactual === undefined) {
        found.left.push({ what, why: whyNot ?? `${loser.unreachable ?? loser.undecided}` })
        continue
      }
      const request = changedRequest({ side: entrance.side, request: base, explained }, loser.counterfactual)
      if (request === undefined || !canBeSent(request))
        found.left.push({ what, why: `no client can ask for ${JSON.stringify(loser.counterfactual)}` })
      else if (!takes(engine, request, route, host))
        found.faults.push(`${what}: ${JSON.stringify(request)} goes elsewhere`)
      else {
        found.routes++
        for (const one of variants(entrance, engine, request, { route, host }))
          found.plays.push({ request: one, answers: possibleAnswers(engine, one, route) })
      }
    }
    // Who may ask at all: each policy's own counterfactual.
    for (const step of explained.steps) {
      if (step.decision !== 'authorization') continue
      for (const { counterfactual } of step.losers) {
        const request =
          counterfactual && changedRequest({ side: entrance.side, request: base, explained }, counterfactual)
        if (request === undefined || !canBeSent(request)) continue
        // Who comes without TLS has nothing to show.
        if (request.identity !== undefined && !entrance.mutual) continue
        found.plays.push({ request, answers: [engine.explain(request)] })
      }
    }
  }
  return found
}

/** Tunnels are no requests; what goes to where a redirected connection was meant for has no such place here. */
function whyNotAsked({ pathMatch, action }: Route, { view }: Entrance): string | undefined {
  if (pathMatch.kind === 'connect') return 'CONNECT'
  const terminal = [...view.config.listeners.values()][0]?.filterChains[0]?.terminal
  const counts = terminal?.kind === 'http' && terminal.httpFilters.some(({ kind }) => kind === 'rate-limit')
  // Whoever came before decides then, not the request.
  if (counts) return 'requests are counted here'
  if (action.kind !== 'route') return undefined
  const kinds = clusterNames(action).map((name) => view.config.clusters.get(name)?.discovery.kind)
  if (kinds.includes('dynamic')) return 'names a host outside, which nobody plays'
  return kinds.includes('original-dst') ? 'goes on to where the client wanted to' : undefined
}

/** A plain request that the router gives to the host. */
function baseRequest({ side, mutual }: Entrance, engine: EngineProxy, host: VirtualHost): TestRequest | undefined {
  const identity = side === 'inbound' && mutual ? 'spiffe://cluster.local/ns/default/sa/client' : undefined
  return host.domains
    .map((domain) => (domain === '*' ? 'any.test' : domain.replace(/^\*/, 'www').replace(/\*$/, 'test')))
    .map((authority): TestRequest => ({ method: 'GET', target: '/', authority, headers: [], identity }))
    .find((request) =>
      engine.explain(request).steps.some(({ decision, chosen }) => decision === 'virtual-host' && chosen === host.name),
    )
}

function takes(engine: EngineProxy, request: TestRequest, route: Route, host: VirtualHost): boolean {
  const { steps } = engine.explain(request)
  const chosen = steps.find(({ decision }) => decision === 'route')
  const name = route.name || `routes[${route.index}]`
  return (
    steps.some(({ decision, chosen: found }) => decision === 'virtual-host' && found === host.name) &&
    chosen?.chosen === name &&
    chosen.origins['origin'] === route.origins['origin']
  )
}

/** The request, one of a longer path, and ones whose application fails in the ways that the route cares for. */
function variants(
  { view }: Entrance,
  engine: EngineProxy,
  request: TestRequest,
  { route, host }: { readonly route: Route; readonly host: VirtualHost },
): readonly TestRequest[] {
  const [path = '', query] = request.target.split('?')
  const longer = `${path}${path.endsWith('/') ? '' : '/'}more/1?${query === undefined ? '' : `${query}&`}q=1`
  const all = [request, { ...request, target: longer }, { ...request, method: 'POST' }]
  if (route.action.kind === 'route') {
    // Over HTTP/2 a stream ends in other ways than a connection.
    const http1 = clusterNames(route.action).every((name) => view.config.clusters.get(name)?.http.protocol !== 'http2')
    for (const wish of [...failures(route.action), ...(http1 ? ['cut'] : [])])
      all.push({ ...request, headers: [...request.headers, [applicationHeader, wish]] })
  }
  return all.filter((one) => takes(engine, one, route, host))
}

/** Longer than this nobody waits for a route to lose its patience. */
const patienceMs = 4_000

/** What the application may do where the answer is certain then. */
function failures(action: RouteAction): readonly string[] {
  const answers = action.retryPolicy === undefined ? ['503'] : ['503', '404', 'grpc-14']
  const silenceMs = silenceEndsMs(action)
  return silenceMs > 0 && silenceMs <= patienceMs ? [...answers, 'hang'] : answers
}

/** How long a request to a silent application takes at most; 0: for ever, or one of two limits ends it, as chance has it. */
function silenceEndsMs({ retryPolicy, timeoutMs, hedges }: RouteAction): number {
  if (retryPolicy === undefined) return timeoutMs
  const { perTryTimeoutMs, perTryIdleTimeoutMs, numRetries, backOff } = retryPolicy
  if (perTryIdleTimeoutMs > 0) return 0
  // The limit of the whole request is not repeated, whatever the policy; Envoy leaves out one per try that is no shorter.
  if (perTryTimeoutMs === 0 || (timeoutMs > 0 && perTryTimeoutMs >= timeoutMs)) return timeoutMs
  const triesMs = perTryTimeoutMs * (1 + numRetries) + backOff.maxMs * numRetries
  // A try that is hedged goes on for as long as the request may.
  if (hedges) return timeoutMs > 2 * triesMs + 1_000 ? timeoutMs : 0
  return timeoutMs === 0 || timeoutMs > 2 * triesMs + 1_000 ? triesMs : 0
}

/** Clusters that a route may lead to. */
function clusterNames({ cluster }: RouteAction): readonly string[] {
  if (cluster.kind === 'name') return [cluster.name]
  return cluster.kind === 'weighted' ? cluster.clusters.map(({ name }) => name) : []
}

/** Every answer that weights and shares allow. */
function possibleAnswers(engine: EngineProxy, request: TestRequest, { action }: Route): readonly Explained[] {
  const draws: Draws[] = []
  for (const random of randoms(action)) for (const fault of [0, 0.999_999]) draws.push({ random, fault })
  return draws.map((one) => engine.explain(request, one))
}

/** A random value for each leg of a split, with copies and without. */
function randoms(action: Route['action']): readonly number[] {
  if (action.kind !== 'route') return [0]
  // Of a million: behind all shares of copies that are not for every request.
  const copied = action.mirrors.length === 0 ? [] : [999_999]
  if (action.cluster.kind !== 'weighted') return [0, ...copied]
  const starts: number[] = [...copied]
  let start = 0
  for (const { weight } of action.cluster.clusters) {
    if (weight > 0) starts.push(start)
    start += weight
  }
  return starts
}
