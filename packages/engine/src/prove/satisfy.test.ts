import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCidr } from '../match/cidr.ts'
import { evaluate } from '../match/interpret.ts'
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

test('two lines of a header meet two conditions, and neither what must not hold', () => {
  const lines = [ofHeader('x-user', exact('a')), ofHeader('x-user', regex('[b-d]'))]
  assert.deepEqual(satisfy([...lines, not(ofHeader('x-user', exact('b')))], subject({ path: '/' })), [
    { attribute: 'request.headers', key: 'x-user', value: 'c', more: ['a'] },
  ])
  assert.equal(solve([...lines, not(ofHeader('x-user', regex('[b-d]+')))], subject({ path: '/' })).kind, 'none')
})

test('a request without a path is a CONNECT, every request has a method and an authority', () => {
  const method = (test: ValueTest): Predicate => ({ op: 'test', attribute: { name: 'request.method' }, test })
  const here = subject({ path: '/a?q=1' })
  const noPath = not(asks('request.url_path', { is: 'prefix', value: '/', ignoreCase: false }))
  assert.deepEqual(satisfy([noPath], here), [
    { attribute: 'request.path', value: undefined },
    { attribute: 'request.method', value: 'CONNECT' },
  ])
  assert.equal(solve([noPath, method(regex('[A-T]+'))], here).kind, 'changes')
  assert.equal(solve([noPath, ofQuery('q', { is: 'present' })], here).kind, 'none')
  assert.equal(solve([noPath, method(exact('GET'))], here).kind, 'none')
  assert.equal(solve([method({ is: 'absent' })], here).kind, 'none')
  assert.equal(solve([asks('request.host', { is: 'absent' })], here).kind, 'none')
})

test('conditions on a whole path and on its parts are decided together', () => {
  const paths = [
    '/',
    '/a',
    '/a?',
    '/a?q',
    '/a?q=',
    '/a?q=1',
    '/a?r=2&q=1',
    '/a?qq=1',
    '/a?q=1&q=2',
    '/b/c?x&q=a=b',
    '/a?q=2&r',
  ]
  const text = (is: 'exact' | 'prefix' | 'suffix' | 'contains', value: string): ValueTest => ({
    is,
    value,
    ignoreCase: false,
  })
  const tests = [
    exact('1'),
    exact(''),
    regex('.*'),
    regex('^[0-9]+$'),
    text('suffix', 'b'),
    { is: 'absent' },
    { is: 'present' },
  ] as const
  const asked: Predicate[] = [
    ...tests.flatMap((one) => ['q', 'r', 'x'].map((key) => ofQuery(key, one))),
    ...[...tests, exact('q=1'), text('contains', '&q')].map(
      (one): Predicate => ({ op: 'test', attribute: { name: 'request.query' }, test: one }),
    ),
    ...[exact('/a'), regex('/[a-z](/c)?'), text('contains', '?'), text('suffix', 'a')].map((one) =>
      asks('request.url_path', one),
    ),
  ]
  for (const path of paths) {
    for (const one of asked.flatMap((predicate) => [predicate, not(predicate)])) {
      const holds = evaluate(one, subject({ path }))
      const { kind } = solve([ofPath(exact(path)), one], subject({ path: '/other' }))
      assert.equal(kind, holds ? 'changes' : 'none', `${path} ${JSON.stringify(one)}`)
    }
  }
})

test('conditions on an authority and on its name are decided together', () => {
  const name = (test: ValueTest): Predicate => ({ op: 'test', attribute: { name: 'request.host_name' }, test })
  const tests = [
    exact('a.b'),
    exact('a.b:80'),
    regex('[a-z.]+'),
    regex('.*'),
    exact('[::1]'),
    { is: 'suffix', value: 'b', ignoreCase: true },
  ] as const
  for (const authority of ['a.b', 'a.b:80', 'a', '[::1]', '[::1]:80', 'A.B:1']) {
    for (const one of tests.flatMap((test) => [name(test), not(name(test))])) {
      const holds = evaluate(one, subject({ authority }))
      const { kind } = solve([asks('request.host', exact(authority)), one], subject({ authority: 'other' }))
      const isHard = /^\[.*\]:/.test(authority) && kind === 'unknown'
      assert.ok(isHard || kind === (holds ? 'changes' : 'none'), `${kind}: ${authority} ${JSON.stringify(one)}`)
    }
  }
})

test('numbers, addresses and draws are decided by what lies between the bounds', () => {
  const ofNumber = (start: number, end: number): Predicate => ofHeader('x-n', { is: 'range', start, end })
  const here = subject({ path: '/' })
  assert.equal(solve([ofNumber(-30, 70), not(ofNumber(-29, 70))], here).kind, 'changes')
  assert.equal(solve([ofNumber(-30, 70), not(ofNumber(-30, 12)), not(ofNumber(12, 71))], here).kind, 'none')
  const from = (text: string): Predicate => {
    const [address = '', length] = text.split('/')
    const cidr = makeCidr(address, Number(length))
    assert.ok(cidr)
    return { op: 'test', attribute: { name: 'source.address' }, test: { is: 'cidr', cidr } }
  }
  const halves = [not(from('10.0.0.0/9')), not(from('10.128.0.0/10'))]
  assert.equal(solve([from('10.0.0.0/8'), ...halves], here).kind, 'changes')
  assert.equal(solve([from('10.0.0.0/8'), ...halves, not(from('10.192.0.0/10'))], here).kind, 'none')
  const share = (numerator: number, denominator: number): Predicate => ({
    op: 'test',
    attribute: { name: 'random', runtimeKey: '' },
    test: { is: 'fraction', numerator, denominator },
  })
  assert.equal(solve([share(5, 100), not(share(9905, 10_000))], here).kind, 'none')
  assert.deepEqual(satisfy([share(5, 100), not(share(9904, 10_000))], here), [{ attribute: 'random', value: '9904' }])
})

test('a peer has one SPIFFE id, and other names have no slash', () => {
  const other = asks('source.principal', regex('[a-z.]+'))
  assert.deepEqual(satisfy([contains('/sa/x'), other], subject()), [
    { attribute: 'source.principal', value: 'spiffe://cluster.local/ns/a/sa/x', more: ['x'] },
  ])
  const ids = [
    asks('source.principal', exact('spiffe://a/ns/a/sa/x')),
    asks('source.principal', exact('spiffe://a/ns/a/sa/y')),
  ]
  assert.equal(solve(ids, subject()).kind, 'none')
  const tls: Predicate = { op: 'test', attribute: { name: 'connection.tls' }, test: { is: 'present' } }
  assert.equal(solve([not(tls), contains('a')], subject()).kind, 'none')
  assert.deepEqual(satisfy([not(tls)], subject()), [{ attribute: 'connection.tls', value: undefined }])
})
