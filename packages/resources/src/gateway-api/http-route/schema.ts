// Schema of HTTPRoute.
import { parseDurationMs } from '../../duration.ts'
import { byDefault, doc, type Finding, integer, list, object, type Schema, text, word } from '../../schema/schema.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import {
  namedList,
  parentRefs,
  ruleNames,
  sectionName,
  setOf,
  useDefaultGateways,
  weightedBackend,
} from '../references.ts'
import { sessionPersistence } from '../session-persistence-schema.ts'
import { filterList } from './filter-schema.ts'
import type { HttpFilter, HttpRouteMatch, HttpRouteRule } from './types.ts'

/** Host names of HTTPRoute and GRPCRoute. */
export const hostnames = doc(
  'Host names that the route is about, with wildcards; all that the listener serves unless written.',
  list(text('hostname'), { max: 16 }),
)

/** Whether a value is to be equal or to fit an expression. */
export const matchType = doc(
  'Whether the value is compared, or an RE2 expression.',
  byDefault('Exact', word(['Exact', 'RegularExpression'])),
)

/** A match of names with values. */
export function namedMatches(what: string, value: Schema): Schema {
  const item = object(
    { name: doc(`Name of the ${what}.`, text('token-name')), type: matchType, value: doc('The value.', value) },
    { required: ['name', 'value'] },
  )
  return namedList(item, 16)
}

const path = object(
  {
    type: doc(
      'How the value is compared; a prefix ends at a "/".',
      byDefault('PathPrefix', word(['Exact', 'PathPrefix', 'RegularExpression'])),
    ),
    value: doc('The value.', byDefault('/', text('text-1024'))),
  },
  { check: checkPath },
)

const everything = { type: 'PathPrefix', value: '/' }

const match = object({
  path: doc('Path of the request, without its query.', byDefault(everything, path)),
  headers: doc('Headers that must all match.', namedMatches('header', text('visible-text'))),
  queryParams: doc('Query parameters that must all match.', namedMatches('parameter', text('some-text-1024'))),
  method: doc(
    'Method of the request.',
    word(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']),
  ),
})

const once = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite', 'CORS']
const filters = filterList([...once, 'RequestMirror', 'ExternalAuth', 'ExtensionRef'], once)

const rule = object(
  {
    name: sectionName('Name of the rule.'),
    matches: doc('Conditions of which one must hold.', byDefault([{ path: everything }], list(match, { max: 64 }))),
    filters: doc('What is done with requests and answers.', filters),
    backendRefs: doc(
      'Where requests go, by weight; none: 500, unless a filter answers.',
      list(weightedBackend({ filters: doc('What is done with the requests that go here.', filters) }), { max: 16 }),
    ),
    timeouts: doc(
      'Time limits.',
      object(
        {
          request: doc(
            'From the first byte of the request to the last of the answer; 0s: none.',
            text('gateway-duration'),
          ),
          backendRequest: doc('For one attempt.', text('gateway-duration')),
        },
        { check: checkTimeouts },
      ),
    ),
    retry: doc(
      'When a request is sent again.',
      object({
        codes: doc('Statuses after which it is.', setOf(integer(400, 599))),
        attempts: doc('How often at most.', { type: 'integer', minimum: 1 }),
        backoff: doc('Least time between two attempts.', text('gateway-duration')),
      }),
    ),
    sessionPersistence,
  },
  { check: checkRule },
)

/** Schema of `spec`. */
export const httpRouteSchema: Schema = object({
  parentRefs,
  useDefaultGateways,
  hostnames,
  rules: doc(
    'Rules; the most specific match of all routes holds.',
    byDefault([{ matches: [{ path: everything }] }], list(rule, { min: 1, max: 16, check: checkRules })),
  ),
})

const forbidden = ['//', '/./', '/../', '%2f', '%2F', '#']

function* checkPath({ type, value }: HttpRouteMatch['path']): Iterable<Finding> {
  if (type === 'RegularExpression') {
    const fault = formats.regex(value)
    if (fault !== undefined) yield { at: ['value'], severity: 'warning', ...fault }
    return
  }
  const part = forbidden.find((each) => value.includes(each)) ?? ['/..', '/.'].find((each) => value.endsWith(each))
  if (part !== undefined) {
    const message = `${shown(value)} holds ${shown(part)}, which no normalized path has`
    yield { at: ['value'], code: 'bad-format', message, mend: 'Write the path as it is after normalization.' }
  } else if (!value.startsWith('/')) {
    yield { at: ['value'], code: 'bad-format', message: `${shown(value)} is not a path`, mend: 'Begin it with "/".' }
  } else {
    const fault = formats['path-characters'](value)
    if (fault !== undefined) yield { at: ['value'], ...fault }
  }
}

function* checkTimeouts(limits: { readonly request?: string; readonly backendRequest?: string }): Iterable<Finding> {
  const request = parseDurationMs(limits.request ?? '0') ?? 0
  if (request === 0 || (parseDurationMs(limits.backendRequest ?? '0') ?? 0) <= request) return
  const message = `${limits.backendRequest} is longer than the time for the whole request, ${limits.request}`
  yield { at: ['backendRequest'], code: 'out-of-range', message, mend: 'Shorten it, or write a longer `request`.' }
}

function* checkRules(rules: readonly HttpRouteRule[]): Iterable<Finding> {
  yield* ruleNames(rules)
  yield* matchCount(rules)
}

/** Matches of all rules together are bounded. */
export function* matchCount(rules: readonly { readonly matches?: readonly unknown[] }[]): Iterable<Finding> {
  const count = rules.reduce((sum, { matches = [] }) => sum + matches.length, 0)
  if (count <= 128) return
  yield { code: 'too-long', message: `have ${count} matches together, 128 at most`, mend: 'Split the route.' }
}

function* checkRule(written: HttpRouteRule): Iterable<Finding> {
  const backends = written.backendRefs ?? []
  const redirects = (written.filters ?? []).findIndex(({ requestRedirect }) => requestRedirect !== undefined)
  if (backends.length > 0 && redirects !== -1) {
    const message = 'stands beside a redirect, after which no backend is asked'
    yield { at: ['backendRefs'], code: 'conflicting-fields', message, mend: 'Remove it, or the redirect.' }
  }
  const [only] = written.matches
  if (written.matches.length === 1 && only?.path.type === 'PathPrefix') return
  for (const field of ['requestRedirect', 'urlRewrite'] as const) {
    const inRule = (written.filters ?? []).filter((filter) => replacesPrefix(filter, field)).length === 1
    // The published rule looks at one such backend only.
    const inBackend =
      backends.filter((each) => (each.filters ?? []).filter((filter) => replacesPrefix(filter, field)).length === 1)
        .length === 1
    if (!inRule && !inBackend) continue
    const message = `replaces the matched prefix (${field}), so that the rule must have exactly one match, of a PathPrefix`
    yield { at: ['matches'], code: 'conflicting-fields', message, mend: 'Split the rule, or use ReplaceFullPath.' }
  }
}

function replacesPrefix(filter: HttpFilter, field: 'requestRedirect' | 'urlRewrite'): boolean {
  const modifier = filter[field]?.path
  return modifier?.type === 'ReplacePrefixMatch' && modifier.replacePrefixMatch !== undefined
}
