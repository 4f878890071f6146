import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Predicate, ValueTest } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { compileRegex } from '../regex/compile-regex.ts'
import { satisfy, solve } from './satisfy.ts'

const asks = (name: 'request.url_path' | 'request.host' | 'source.principal', value: ValueTest): Predicate => ({
  op: 'test',
  attribute: { name },
  test: value,
})
const contains = (value: string): Predicate => asks('source.principal', { is: 'contains', value, ignoreCase: false })
const prefix = (value: string): Predicate => asks('request.url_path', { is: 'prefix', value, ignoreCase: false })

test('three changes are found among very many: what one condition needed another one seldom takes back', () => {
  const anybody: Predicate = { op: 'or', any: [contains('/ns/def'), contains('/ns/')] }
  const earlier: Predicate = {
    op: 'and',
    all: [
      anybody,
      {
        op: 'or',
        any: [asks('request.host', { is: 'exact', value: 'catalog', ignoreCase: true }), prefix('/books')],
      },
    ],
  }
  const wanted: Predicate[] = [
    asks('request.url_path', { is: 'suffix', value: 'books', ignoreCase: false }),
    {
      op: 'or',
      any: [
        { op: 'and', all: [{ op: 'or', any: [contains('/ns/default/'), contains('/ns/def')] }, contains('/ns/def')] },
        { op: 'and', all: [contains('/ns/other/'), contains('/ns/def')] },
      ],
    },
  ]
  const found = satisfy([{ op: 'not', not: earlier }, ...wanted], subject({ path: '/books', authority: 'Catalog' }))
  assert.deepEqual(found?.map(({ attribute }) => attribute).sort(), [
    'request.host',
    'request.url_path',
    'source.principal',
  ])
})

const exact = (value: string): ValueTest => ({ is: 'exact', value, ignoreCase: false })
const regex = (source: string): ValueTest => {
  const compiled = compileRegex(source)
  if (!compiled.ok) throw new Error(compiled.error)
  return { is: 'regex', regex: compiled.value }
}
const ofQuery = (key: string, test: ValueTest): Predicate => ({
  op: 'test',
  attribute: { name: 'request.query_params', key },
  test,
})
const ofHeader = (key: string, test: ValueTest): Predicate => ({
  op: 'test',
  attribute: { name: 'request.headers', key },
  test,
})
const ofPath = (test: ValueTest): Predicate => ({ op: 'test', attribute: { name: 'request.path' }, test })
const not = (one: Predicate): Predicate => ({ op: 'not', not: one })

test('five changes are found: conditions on different attributes are mended one by one', () => {
  const goal: Predicate[] = [
    asks('request.url_path', regex('/(api|books)/.*')),
    { op: 'test', attribute: { name: 'request.method' }, test: regex('[A-Z]{3}') },
    asks('request.host', { is: 'prefix', value: 'www.shop', ignoreCase: false }),
    ofHeader('x-flavor', exact('')),
    ofQuery('q', { is: 'prefix', value: 'a%20b', ignoreCase: false }),
    not(asks('request.url_path', exact('/api/'))),
    not(ofQuery('page', { is: 'present' })),
  ]
  const found = satisfy(goal, subject({ path: '/admin?page=1', authority: 'x.shop.example', method: 'DELETE' }))
  assert.equal(found?.length, 6)
})

test('a path and what it ends with together with its query are one change', () => {
  const goal = [asks('request.url_path', { is: 'exact', value: '/', ignoreCase: true })]
  const ends = ofPath({ is: 'suffix', value: '2', ignoreCase: false })
  assert.deepEqual(satisfy([...goal, ends], subject({ path: '/a/x' })), [{ attribute: 'request.path', value: '/?2' }])
})

test('a text that no single condition suggests is made from all of them', () => {
  const goal = [
    asks('request.url_path', regex('/[a-c]+(-[0-9])*')),
    asks('request.url_path', { is: 'contains', value: 'cab', ignoreCase: false }),
    asks('request.url_path', { is: 'suffix', value: '-7', ignoreCase: false }),
    not(asks('request.url_path', { is: 'contains', value: 'cab-', ignoreCase: false })),
  ]
  const found = satisfy(goal, subject({ path: '/' }))
  const value = found?.[0]?.value ?? ''
  assert.match(value, /^\/[a-c]*cab[a-c]+(-[0-9])*-7$/)
})

test('that nothing can be done is said only with a proof', () => {
  const letters = asks('request.url_path', regex('/[a-z]+'))
  const digits = asks('request.url_path', { is: 'contains', value: '1', ignoreCase: false })
  assert.equal(solve([letters, digits], subject({ path: '/' })).kind, 'none')
  // Two lines of a header may meet two conditions: no change writes two, yet one request has them.
  const lines = [ofHeader('x-user', exact('a')), ofHeader('x-user', exact('b'))]
  assert.equal(solve(lines, subject({ path: '/' })).kind, 'unknown')
  // What no machine reads is no proof either.
  const unicode = asks('request.url_path', regex('/\\p{Lu}\\p{Ll}'))
  assert.equal(solve([unicode, digits], subject({ path: '/' })).kind, 'unknown')
})

test('an alternative that fails in one attribute only is closed, all of them are a proof', () => {
  const a: Predicate = { op: 'and', all: [ofQuery('q', exact('1')), prefix('/a')] }
  const b: Predicate = { op: 'and', all: [ofQuery('q', exact('2')), prefix('/b')] }
  const either: Predicate = { op: 'or', any: [a, b] }
  const elsewhere = [not(prefix('/a')), not(ofQuery('q', exact('2')))]
  assert.equal(solve([either, ...elsewhere], subject({ path: '/' })).kind, 'none')
  assert.equal(solve([either, not(prefix('/a'))], subject({ path: '/' })).kind, 'changes')
})
