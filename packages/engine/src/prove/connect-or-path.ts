// A request either has a path or is a CONNECT, which has neither path nor query: a choice that every goal about paths makes.
import type { Attribute, Predicate } from '../predicate.ts'
import type { TestPredicate } from './normal-form.ts'

/** The choice; undefined where nothing is asked of a path. */
export function connectOrPath(tests: readonly TestPredicate[]): Predicate | undefined {
  const names = tests.map(({ attribute }) => attribute.name)
  if (!names.some((name) => ofPath.has(name))) return undefined
  const path: Attribute = { name: looksAtWhole(tests) ? 'request.path' : 'request.url_path' }
  const parameters = tests.flatMap(({ attribute }) => (attribute.name === 'request.query_params' ? [attribute] : []))
  const absent = [path, ...parameters].map(
    (attribute): Predicate => ({ op: 'test', attribute, test: { is: 'absent' } }),
  )
  const connect: Predicate = {
    op: 'test',
    attribute: { name: 'request.method' },
    test: { is: 'exact', value: 'CONNECT', ignoreCase: false },
  }
  return {
    op: 'or',
    any: [
      {
        op: 'and',
        all: [
          { op: 'test', attribute: path, test: { is: 'present' } },
          { op: 'not', not: connect },
        ],
      },
      { op: 'and', all: [connect, ...absent] },
    ],
  }
}

const ofPath = new Set<Attribute['name']>(['request.path', 'request.url_path', 'request.query', 'request.query_params'])

/** Whether a test looks at path and query as one: then its parts are no matters of their own. */
export function looksAtWhole(tests: readonly TestPredicate[]): boolean {
  return tests.some(({ attribute: { name } }) => name === 'request.path' || name === 'request.query')
}
