// Schema of GRPCRoute.
import { doc, type Finding, list, object, type Schema, text } from '../../schema/schema.ts'
import { shown } from '../../schema/shaped.ts'
import { filterList } from '../http-route/filter-schema.ts'
import { hostnames, matchCount, matchType, namedMatches } from '../http-route/schema.ts'
import { parentRefs, ruleNames, sectionName, useDefaultGateways, weightedBackend } from '../references.ts'
import { sessionPersistence } from '../session-persistence-schema.ts'
import type { GrpcRouteMatch, GrpcRouteRule } from './types.ts'

const method = object(
  {
    type: matchType,
    service: doc('Full name of the service, like `bookstore.Catalog`.', text('text-1024')),
    method: doc('Name of the method.', text('text-1024')),
  },
  { check: checkMethod },
)

const match = object({
  method: doc('Service and method that are called.', method),
  headers: doc('Headers (metadata) that must all match.', namedMatches('header', text('some-text-4096'))),
})

const once = ['RequestHeaderModifier', 'ResponseHeaderModifier']
const filters = filterList([...once, 'RequestMirror', 'ExtensionRef'], once)

const rule = object({
  name: sectionName('Name of the rule.'),
  matches: doc('Conditions of which one must hold; none: every call.', list(match, { max: 64 })),
  filters: doc('What is done with calls and answers.', filters),
  backendRefs: doc(
    'Where calls go, by weight; none: UNAVAILABLE.',
    list(weightedBackend({ filters: doc('What is done with the calls that go here.', filters) }), { max: 16 }),
  ),
  sessionPersistence,
})

/** Schema of `spec`. */
export const grpcRouteSchema: Schema = object({
  parentRefs,
  useDefaultGateways,
  hostnames,
  rules: doc('Rules; the most specific match of all routes holds.', list(rule, { max: 16, check: checkRules })),
})

function* checkMethod(called: NonNullable<GrpcRouteMatch['method']>): Iterable<Finding> {
  if (called.service === undefined && called.method === undefined) {
    yield { code: 'missing-field', message: 'has neither `service` nor `method`', mend: 'Add one of the two.' }
  }
  if (called.type !== 'Exact') return
  const mend = 'Use letters, digits and "_" (and "." in the service), or write type: RegularExpression.'
  const fits = { service: /^\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*$/i, method: /^[a-z_][a-z_0-9]*$/i }
  for (const field of ['service', 'method'] as const) {
    const value = called[field]
    if (value === undefined || fits[field].test(value)) continue
    yield { at: [field], code: 'bad-format', message: `${shown(value)} is not the name of a ${field}`, mend }
  }
}

function* checkRules(rules: readonly GrpcRouteRule[]): Iterable<Finding> {
  yield* ruleNames(rules)
  yield* matchCount(rules)
}
