// What rules do with requests.
import type { RuleScope, Yaml } from './generate-http-rules.ts'
import type { SeededRandom } from './seeded-random.ts'
import { originConditions, regexRewrites, writtenHeaders, writtenValues } from './vocabulary.ts'

/** What a rule does; rewrites depend on what its conditions say of the path. */
export function generateAction(random: SeededRandom, scope: RuleScope, match: readonly Yaml[]): Yaml {
  const kind = random.int(20)
  const fault = random.chance(0.1) ? { fault: generateFault(random) } : {}
  if (kind < 3) return { redirect: generateRedirect(random), ...fault }
  if (kind < 5) {
    const said = random.chance(0.8) ? { string: 'said by the proxy' } : { bytes: 'c2FpZCBpbiBieXRlcw==' }
    const body = random.chance(0.7) ? { body: said } : {}
    return { directResponse: { status: random.pick([200, 204, 304, 404, 418, 503]), ...body }, ...fault }
  }
  return {
    route: generateDestinations(random, scope),
    ...(random.chance(0.3) ? { rewrite: generateRewrite(random, match) } : {}),
    ...limits(random),
    ...(random.chance(0.25) ? { corsPolicy: generateCors(random) } : {}),
    ...(random.chance(0.12) ? { mirrors: generateMirrors(random, scope) } : {}),
    ...fault,
  }
}

function generateCors(random: SeededRandom): Yaml {
  return {
    allowOrigins: random.some(originConditions, 1, 2),
    ...(random.chance(0.6)
      ? { allowMethods: random.chance(0.3) ? ['*'] : random.some(['GET', 'POST', 'PUT'], 1, 3) }
      : {}),
    ...(random.chance(0.4) ? { allowHeaders: random.pick([['*'], ['x-user', 'x-trace'], ['x-user', '*']]) } : {}),
    ...(random.chance(0.4) ? { exposeHeaders: ['x-added'] } : {}),
    ...(random.chance(0.4) ? { maxAge: '10m' } : {}),
    ...(random.chance(0.4) ? { allowCredentials: random.chance(0.7) } : {}),
    ...(random.chance(0.4) ? { unmatchedPreflights: random.pick(['FORWARD', 'IGNORE']) } : {}),
  }
}

/** Copies that are always sent, or never. */
function generateMirrors(random: SeededRandom, scope: RuleScope): readonly Yaml[] {
  return random.some(scope.services, 1, 2).map((host) => ({
    destination: { host, port: { number: 80 } },
    ...(random.chance(0.5) ? { percentage: { value: random.pick([0, 100]) } } : {}),
  }))
}

/** Retries and time limits; never so that time decides between the two. */
function limits(random: SeededRandom): Yaml {
  const kind = random.int(20)
  if (kind < 2) return { timeout: '1500ms' }
  if (kind < 4) return { retries: { ...generateRetries(random), attempts: 1, perTryTimeout: '1s' } }
  return kind < 10 ? { retries: generateRetries(random) } : {}
}

function generateRetries(random: SeededRandom): Yaml {
  const retryOn = random.chance(0.7) ? { retryOn: random.some(retryConditions, 1, 3).join(',') } : {}
  const rest = random.chance(0.2) ? { retryIgnorePreviousHosts: false } : {}
  return { attempts: random.int(4), backoff: '1ms', ...retryOn, ...rest }
}

const retryConditions = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'unavailable',
  'cancelled',
  '503',
  '404',
  '429',
]

/** All weights are 0 but one. */
function generateDestinations(random: SeededRandom, scope: RuleScope): readonly Yaml[] {
  const count = random.chance(0.3) ? 2 + random.int(2) : 1
  const winner = random.int(count)
  return Array.from({ length: count }, (_, index) => {
    const host = random.pick(scope.services)
    const subsets = scope.subsets.get(host) ?? []
    const subset = subsets.length > 0 && random.chance(0.7) ? { subset: random.pick(subsets) } : {}
    return {
      destination: { host, ...subset, port: { number: 80 } },
      ...(count === 1 ? {} : { weight: index === winner ? 100 : 0 }),
      ...(random.chance(0.2) ? { headers: headerChanges(random) } : {}),
    }
  })
}

function generateRewrite(random: SeededRandom, match: readonly Yaml[]): Yaml {
  const authority = random.chance(0.4) ? { authority: random.pick(['inner.test', 'beta', 'inner.test:8080']) } : {}
  const anyUri = match.length === 0 || match.every((one) => 'uri' in one)
  if (random.chance(0.35)) {
    const [pattern, rewrite] = random.pick(regexRewrites)
    return { uriRegexRewrite: { match: pattern, rewrite }, ...authority }
  }
  const uriTo = anyUri || random.chance(0.5) ? { uri: random.pick(['/', '/new', '/new/', '/api/v9']) } : {}
  return Object.keys({ ...uriTo, ...authority }).length === 0 ? { uri: '/other' } : { ...uriTo, ...authority }
}

function generateRedirect(random: SeededRandom): Yaml {
  const redirect: Record<string, unknown> = {}
  if (random.chance(0.4)) redirect['uri'] = random.pick(['/moved', '/', '/moved?to=1'])
  else if (random.chance(0.3)) redirect['prefixRewrite'] = random.pick(['/moved', '/', '/moved/'])
  if (random.chance(0.5)) redirect['authority'] = random.pick(['else.test', 'else.test:8443'])
  if (random.chance(0.3)) redirect['scheme'] = random.pick(['http', 'https'])
  if (random.chance(0.25)) redirect['port'] = random.pick([80, 443, 8080])
  else if (random.chance(0.2)) redirect['derivePort'] = random.pick(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'])
  if (Object.keys(redirect).length === 0) redirect['uri'] = '/moved'
  if (random.chance(0.6)) redirect['redirectCode'] = random.pick([301, 302, 303, 307, 308])
  return redirect
}

function generateFault(random: SeededRandom): Yaml {
  const percentage = (): Yaml => ({ value: random.pick([0, 100]) })
  const share = random.chance(0.8) ? { percentage: percentage() } : { percent: random.pick([0, 100]) }
  const delay = random.chance(0.3) ? { delay: { fixedDelay: '1ms', ...share } } : {}
  if ('delay' in delay && random.chance(0.3)) return delay
  const what = random.chance(0.8)
    ? { httpStatus: random.pick([400, 429, 500, 503, 555]) }
    : { grpcStatus: random.pick(['UNAVAILABLE', 'NOT_FOUND', 'OK']) }
  const abort = { abort: { ...what, percentage: percentage() } }
  return { ...delay, ...abort }
}

/** Changes of headers on both ways. */
export function headerChanges(random: SeededRandom): Yaml {
  const direction = (): Record<string, object> => ({
    ...(random.chance(0.6) ? { set: { [random.pick(writtenHeaders)]: random.pick(writtenValues) } } : {}),
    ...(random.chance(0.5) ? { add: { [random.pick(writtenHeaders)]: random.pick(writtenValues) } } : {}),
    ...(random.chance(0.3) ? { remove: [random.pick([...writtenHeaders, 'X-Flavor'])] } : {}),
  })
  const request = direction()
  // Written as a header, the authority is changed by a rewrite.
  if (random.chance(0.1)) request['set'] = { ...request['set'], [random.pick(['Host', 'host'])]: 'inner.test' }
  return { request, ...(random.chance(0.5) ? { response: direction() } : {}) }
}
