// The HTTP rules of a VirtualService.
import type { SeededRandom } from './seeded-random.ts'
import {
  headerNames,
  headerRegexes,
  headerValues,
  methods,
  pathPrefixes,
  pathRegexes,
  paths,
  queryNames,
  queryRegexes,
  queryValues,
  regexRewrites,
  writtenHeaders,
  writtenValues,
} from './vocabulary.ts'

/** What rules may refer to. */
export interface RuleScope {
  readonly services: readonly string[]
  readonly subsets: ReadonlyMap<string, readonly string[]>
  readonly host: string
}

type Yaml = Readonly<Record<string, unknown>>

/** One to six rules; the last often takes everything. */
export function generateHttpRules(random: SeededRandom, scope: RuleScope): readonly Yaml[] {
  const count = 1 + random.int(6)
  return Array.from({ length: count }, (_, index) => {
    const last = index === count - 1
    const matchless = last ? random.chance(0.7) : random.chance(0.05)
    const match = matchless ? undefined : Array.from({ length: 1 + random.int(3) }, () => generateMatch(random, scope))
    return {
      name: `rule-${index}`,
      ...(match === undefined ? {} : { match }),
      ...generateAction(random, scope, (match ?? []) as readonly Yaml[]),
      ...(random.chance(0.25) ? { headers: headerChanges(random) } : {}),
    }
  })
}

function generateMatch(random: SeededRandom, scope: RuleScope): Yaml {
  const match: Record<string, unknown> = {}
  if (random.chance(0.6)) match['uri'] = uri(random)
  if (random.chance(0.15) && 'uri' in match && !('regex' in (match['uri'] as Yaml))) match['ignoreUriCase'] = true
  if (random.chance(0.25)) match['method'] = text(random, methods, ['P.*', 'GET|HEAD', '[A-Z]{3}'], ['P', 'GE'])
  if (random.chance(0.4)) match['headers'] = headerConditions(random)
  if (random.chance(0.2)) match['withoutHeaders'] = headerConditions(random)
  if (random.chance(0.25)) match['queryParams'] = queryConditions(random)
  if (random.chance(0.12)) {
    const host = scope.host.replace('*', 'www')
    match['authority'] = text(
      random,
      [host, `${host}:80`],
      [`${host}(:\\d+)?`, '.*:80', '[a-z.]+'],
      [host, 'al', 'www.'],
    )
  }
  if (random.chance(0.06)) match['sourceLabels'] = { app: random.pick(['client', 'gateway', 'nobody']) }
  if (random.chance(0.05)) match['gateways'] = [random.pick(['mesh', 'door'])]
  if (random.chance(0.05)) match['port'] = random.pick([80, 8080])
  return Object.keys(match).length === 0 ? { uri: uri(random) } : match
}

function uri(random: SeededRandom): Yaml {
  const kind = random.int(10)
  if (kind < 3) return { exact: random.pick(paths) }
  return kind < 7 ? { prefix: random.pick(pathPrefixes) } : { regex: random.pick(pathRegexes) }
}

function text(
  random: SeededRandom,
  values: readonly string[],
  regexes: readonly string[],
  prefixes: readonly string[] = values,
): Yaml {
  const kind = random.int(10)
  if (kind < 5) return { exact: random.pick(values) }
  if (kind < 7) return { prefix: random.pick(prefixes.filter((one) => one !== '')) }
  return { regex: random.pick(regexes) }
}

function headerConditions(random: SeededRandom): Yaml {
  const names = random.some(headerNames, 1, 2)
  return Object.fromEntries(
    names.map((name) => [name, random.chance(0.2) ? {} : text(random, headerValues, headerRegexes)]),
  )
}

function queryConditions(random: SeededRandom): Yaml {
  const names = random.some(queryNames, 1, 2)
  return Object.fromEntries(
    names.map((name) => [name, random.chance(0.2) ? {} : text(random, queryValues, queryRegexes)]),
  )
}

function generateAction(random: SeededRandom, scope: RuleScope, match: readonly Yaml[]): Yaml {
  const kind = random.int(20)
  const fault = random.chance(0.15) ? { fault: generateFault(random) } : {}
  if (kind < 3) return { redirect: generateRedirect(random), ...fault }
  if (kind < 5) {
    const body = random.chance(0.7) ? { body: { string: 'said by the proxy' } } : {}
    return { directResponse: { status: random.pick([200, 404, 418, 503]), ...body }, ...fault }
  }
  return {
    route: generateDestinations(random, scope),
    ...(random.chance(0.3) ? { rewrite: generateRewrite(random, match) } : {}),
    ...(random.chance(0.15) ? { retries: { attempts: random.int(3) } } : {}),
    ...fault,
  }
}

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
  if (random.chance(0.5)) redirect['uri'] = random.pick(['/moved', '/', '/moved?to=1'])
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
  const delay = random.chance(0.3) ? { delay: { fixedDelay: '1ms', percentage: percentage() } } : {}
  const abort = { abort: { httpStatus: random.pick([400, 429, 500, 503, 555]), percentage: percentage() } }
  return { ...delay, ...abort }
}

function headerChanges(random: SeededRandom): Yaml {
  const direction = (): Yaml => ({
    ...(random.chance(0.6) ? { set: { [random.pick(writtenHeaders)]: random.pick(writtenValues) } } : {}),
    ...(random.chance(0.5) ? { add: { [random.pick(writtenHeaders)]: random.pick(writtenValues) } } : {}),
    ...(random.chance(0.3) ? { remove: [random.pick([...writtenHeaders, 'X-Flavor'])] } : {}),
  })
  return { request: direction(), ...(random.chance(0.5) ? { response: direction() } : {}) }
}
