// Which parts of the route language a request has put to the test: counted, so that what is hardly ever tried is seen.
import type { HeaderRules, ProofStep, RedirectAction, Route, RouteAction } from '@weft/engine'
import { applicationHeader } from './application.ts'
import type { Explained } from './engine-proxy.ts'
import type { TestRequest } from './generate-request.ts'
import { outsideWildcard } from './vocabulary.ts'

/** What a route would do, in words. */
export function routeTraits(route: Route): readonly string[] {
  const { action, headers, filterOverrides, origins } = route
  const filters = [...filterOverrides.values()].flatMap((one) => {
    if (one.kind === 'session') return [`session by ${one.session.state.kind}`]
    return one.kind === 'cors' || one.kind === 'fault' ? [one.kind] : []
  })
  const written = [...filters, ...inMesh(origins['origin']), ...(hasFormat(headers) ? ['header format'] : [])]
  if (action.kind === 'redirect') return ['redirect', ...redirectTraits(action), ...written]
  if (action.kind === 'direct') return ['direct response', ...written]
  return action.kind === 'route' ? [...forwardTraits(action), ...written] : written
}

/** Routes whose parent is a Service. */
function inMesh(origin = ''): readonly string[] {
  const kind = /^gateway\.networking\.k8s\.io\/(HTTPRoute|GRPCRoute)\/default\/mesh-/.exec(origin)?.[1]
  return kind === undefined ? [] : [`${kind} of a Service`]
}

function redirectTraits({ scheme, httpsRedirect, host, port, path, stripQuery }: RedirectAction): readonly string[] {
  return [
    ...(scheme !== undefined || httpsRedirect ? ['redirect of the scheme'] : []),
    ...(host === undefined ? [] : ['redirect of the host']),
    ...(port === undefined ? [] : ['redirect of the port']),
    ...(path === undefined ? [] : [`redirect of the path (${path.kind})`]),
    ...(stripQuery ? ['redirect without the query'] : []),
  ]
}

function forwardTraits(action: RouteAction): readonly string[] {
  const { cluster, pathRewrite, hostRewrite, mirrors, timeoutMs, retryPolicy, hashPolicy } = action
  const captures = pathRewrite?.kind === 'regex' && /\\[1-9]/.test(pathRewrite.substitution)
  return [
    ...(pathRewrite === undefined ? [] : [`rewrite by ${pathRewrite.kind}${captures ? ' with captures' : ''}`]),
    ...(hostRewrite === undefined ? [] : ['rewrite of the host']),
    ...(cluster.kind === 'weighted' ? [cluster.randomHeader === undefined ? 'split' : 'split by a header'] : []),
    ...mirrors.map(({ numerator }) => (numerator === 0 ? 'copies 0' : 'copies 100')),
    ...(timeoutMs > 0 && timeoutMs < 15_000 ? ['time limit'] : []),
    ...((retryPolicy?.retriableStatusCodes.size ?? 0) > 0 || retryPolicy?.retryOn.has('5xx') === true
      ? ['retries of answers']
      : []),
    ...(action.hedges ? ['hedging'] : []),
    ...(cluster.kind === 'name' ? outsideOf(cluster.name) : []),
    ...hashPolicy.map(({ kind }) => `hashed by ${hashKinds[kind]}`),
  ]
}

const hashKinds = {
  header: 'header',
  cookie: 'cookie',
  query: 'query parameter',
  'source-ip': 'client address',
} as const

function hasFormat({ requestAdd, responseAdd }: HeaderRules): boolean {
  return [...requestAdd, ...responseAdd].some(({ value }) => value.some((part) => typeof part !== 'string'))
}

/** What a route alone does not bring about. */
const untold = /^(cors|fault|session by .*|hedging|time limit|retries of answers|hashed by .*)$/

/** What a request did. */
export function exercisesOf(request: TestRequest, explained: Explained): readonly string[] {
  const { answer, routed, steps, forwarded, hashed, kept, mingled } = explained
  const local = answer.upstream === undefined
  const told = 'access-control-allow-origin' in answer.headers
  const wish = request.headers.find(([name]) => name === applicationHeader)?.[1]
  const found = [
    ...(local && 'access-control-allow-methods' in answer.headers ? ['preflights answered'] : []),
    ...(!local && told ? ['pages told'] : []),
    ...(steps.some(({ decision, chosen }) => decision === 'fault' && chosen !== undefined) ? ['fault'] : []),
    ...(request.headers.some(([name]) => name === 'content-type') ? ['gRPC'] : []),
    ...(hashed === undefined ? [] : [hashed.policy, ...hashed.of.map((of) => `hashed by ${kindOf(of)}`)]),
    ...(mingled !== true && (answer.upstream?.attempts ?? 0) > 1
      ? [/^\d+$/.test(wish ?? '') ? 'repeated after an answer' : 'repeated after none']
      : []),
    ...(forwarded !== undefined && wish === 'hang' ? ['time limits run out'] : []),
    ...(hedgedOf(explained, wish) ? ['hedged'] : []),
    ...(kept === undefined ? [] : [`kept by a ${sessionKind(steps)}`]),
    ...outsideOf(answer.cluster),
    ...(request.authority === '' ? ['empty authority'] : []),
    ...(steps.some(isDenialAtGateway) ? ['denied at the gateway'] : []),
  ]
  const ownAnswer = routed !== undefined && routed.route.action.kind !== 'route' && Number(answer.status) !== 403
  if (routed === undefined || (local && !ownAnswer)) return found
  return [...found, ...routeTraits(routed.route).filter((trait) => !untold.test(trait))]
}

function hedgedOf({ steps, mingled, answer }: Explained, wish: string | undefined): boolean {
  const hedges = steps.some(({ decision, chosen }) => decision === 'hedge' && chosen !== undefined)
  return hedges && wish === 'hang' && mingled !== true && (answer.upstream?.attempts ?? 0) > 1
}

/** `... (asked for by cookie kept, ...)`: what asks. */
function sessionKind(steps: Explained['steps']): string {
  const summary = steps.find(({ decision }) => decision === 'endpoint')?.summary ?? ''
  return /asked for by (cookie|header)/.exec(summary)?.[1] ?? 'session'
}

function outsideOf(cluster = ''): readonly string[] {
  if (!cluster.endsWith('.test')) return []
  return [cluster.endsWith(`|${outsideWildcard}`) ? 'ServiceEntry of a wildcard' : 'ServiceEntry']
}

function isDenialAtGateway({ decision, chosen }: ProofStep): boolean {
  return decision === 'authorization' && chosen?.includes('at-the-gateway') === true
}

/** `header x-user "jason"`: its kind. */
function kindOf(of: string): string {
  return of.split(' "')[0]?.replace(/^(header|cookie|query parameter) .*/, '$1') ?? of
}
