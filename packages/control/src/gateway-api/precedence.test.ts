import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commonHostnames, coversHostname } from './hostnames.ts'
import { byPrecedence, grpcRank, httpRank, type Ranked } from './precedence.ts'

const id = (name: string): Ranked['route']['id'] => ({
  cluster: '',
  group: '',
  kind: 'HTTPRoute',
  namespace: 'n',
  name,
})
const path = (type: 'Exact' | 'PathPrefix' | 'RegularExpression', value: string) => ({ path: { type, value } })
const header = { name: 'a', type: 'Exact', value: 'b' } as const

/** Names of matches in the order in which they are tried. */
function order(matches: Readonly<Record<string, Parameters<typeof httpRank>[0]>>): string {
  return Object.entries(matches)
    .map(([name, match]) => ({ route: { id: id(name) }, rank: httpRank(match), ruleIndex: 0, matchIndex: 0 }))
    .sort(byPrecedence)
    .map(({ route }) => route.id.name)
    .join(' ')
}

test('HTTP matches: exact, regular expression, longest prefix, method, headers, query', () => {
  assert.equal(
    order({
      a: path('PathPrefix', '/'),
      b: { ...path('PathPrefix', '/'), queryParams: [header, header] },
      c: { ...path('PathPrefix', '/'), headers: [header] },
      d: { ...path('PathPrefix', '/'), headers: [header, header] },
      e: { ...path('PathPrefix', '/'), method: 'GET' },
      f: path('PathPrefix', '/long'),
      g: path('PathPrefix', '/longer/'),
      h: path('RegularExpression', '/.*'),
      i: path('Exact', '/'),
    }),
    'i h g f e d c b a',
  )
})

test('gRPC matches: the longest service, then the longest method, then headers', () => {
  const exact = (service?: string, method?: string) => ({
    method: {
      type: 'Exact' as const,
      ...(service === undefined ? {} : { service }),
      ...(method === undefined ? {} : { method }),
    },
  })
  const ranked = [{}, exact('a.B'), exact('a.Bc'), exact('a.B', 'C'), { ...exact('a.B', 'C'), headers: [header] }]
    .map((match, index) => ({ route: { id: id(`r${index}`) }, rank: grpcRank(match), ruleIndex: 0, matchIndex: 0 }))
    .sort(byPrecedence)
  assert.deepEqual(
    ranked.map(({ route }) => route.id.name),
    ['r2', 'r4', 'r3', 'r1', 'r0'],
  )
})

test('what is left is decided by age, name, rule and match, and the order is total', () => {
  const one = fc.record({
    route: fc.record({
      id: fc.constantFrom('a', 'b', 'c').map(id),
      createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'),
    }),
    rank: fc.array(fc.nat(2), { maxLength: 3 }),
    ruleIndex: fc.nat(2),
    matchIndex: fc.nat(2),
  })
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), (items) => {
      const forwards = [...items].sort(byPrecedence)
      const backwards = [...items].reverse().sort(byPrecedence)
      const key = (item: (typeof items)[number]): string =>
        JSON.stringify([item.rank.concat([0, 0, 0]).slice(0, 3), item.route, item.ruleIndex, item.matchIndex])
      assert.deepEqual(forwards.map(key), backwards.map(key))
    }),
  )
  const known = { route: { id: id('z'), createdAt: '2026-01-01T00:00:00Z' }, rank: [], ruleIndex: 0, matchIndex: 0 }
  const unknown = { route: { id: id('a') }, rank: [], ruleIndex: 0, matchIndex: 0 }
  assert.ok(byPrecedence(known, unknown) < 0, 'an age that is not known counts as the youngest')
})

test('a wildcard stands for one label or more, and never for none', () => {
  assert.ok(coversHostname('*.example.com', 'a.example.com'))
  assert.ok(coversHostname('*.example.com', 'a.b.example.com'))
  assert.ok(coversHostname('*.example.com', '*.b.example.com'))
  assert.ok(!coversHostname('*.example.com', 'example.com'))
  assert.ok(!coversHostname('*.example.com', 'aexample.com'))
  assert.ok(!coversHostname('a.example.com', '*.example.com'))
  assert.deepEqual(commonHostnames('*.example.com', ['A.example.com', '*.com', 'b.org']), [
    'a.example.com',
    '*.example.com',
  ])
  assert.deepEqual(commonHostnames(undefined, undefined), [undefined])
  assert.deepEqual(commonHostnames('a.org', []), ['a.org'])
})
