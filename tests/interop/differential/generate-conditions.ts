// The conditions of a rule.
import type { RuleScope, Yaml } from './generate-http-rules.ts'
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
} from './vocabulary.ts'

/** Conditions of which all must hold. */
export function generateMatch(random: SeededRandom, scope: RuleScope): Yaml {
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
  if (random.chance(0.1))
    match['scheme'] = text(random, ['http', 'http', 'https'], ['https?', 'h.*', 'ftp'], ['htt', 'https'])
  if (random.chance(0.06)) match['sourceLabels'] = { app: random.pick(['client', 'gateway', 'nobody']) }
  if (random.chance(0.06)) match['sourceNamespace'] = random.pick(['default', 'default', 'other'])
  if (random.chance(0.05)) match['name'] = 'named'
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
