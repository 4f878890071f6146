// The closure of a predicate decides as the interpreter does; a counterfactual makes its rule win; "unreachable" is true.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { VirtualHost } from '../model.ts'
import { matchRoute } from '../decide/route.ts'
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import { implies } from '../prove/implies.ts'
import { overlay } from '../prove/overlay.ts'
import { satisfy } from '../prove/satisfy.ts'
import { compileRegex } from '../regex/compile-regex.ts'
import { plainHead, type Subject } from '../request-head.ts'
import type { ProofStep } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import { closure, makeRule } from './closure.ts'
import { evaluate } from './interpret.ts'

const runs = { numRuns: 400 }

function regex(source: string): ValueTest {
  const compiled = compileRegex(source)
  assert.ok(compiled.ok)
  return { is: 'regex', regex: compiled.value }
}

const text = fc.constantFrom('', '/', '/a', '/a/b', '/ab', 'x', 'X', '1', '7', 'GET', 'POST', 'web')
const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.constantFrom<Attribute>(
    { name: 'request.url_path' },
    { name: 'request.path' },
    { name: 'request.method' },
    { name: 'source.principal' },
    { name: 'destination.port' },
    { name: 'source.address' },
    { name: 'connection.tls' },
  ),
  fc.constantFrom('a', 'b').map((key): Attribute => ({ name: 'request.headers', key })),
  fc.constantFrom('p', 'q').map((key): Attribute => ({ name: 'request.query_params', key })),
)
const valueTest: fc.Arbitrary<ValueTest> = fc.oneof(
  fc.record({
    is: fc.constantFrom('exact', 'prefix', 'suffix', 'contains', 'path-prefix'),
    value: text,
    ignoreCase: fc.boolean(),
  }) as fc.Arbitrary<ValueTest>,
  fc.constantFrom<ValueTest>(
    { is: 'present' },
    { is: 'absent' },
    { is: 'range', start: 1, end: 8 },
    { is: 'cidr', cidr: { text: '127.0.0.0/8', family: 4, bits: 0x7f000000n, prefixLength: 8 } },
    regex('/a.*'),
    regex('(?i)x|[0-9]+'),
  ),
)
const leaf: fc.Arbitrary<Predicate> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Predicate>({ op: 'always' }) },
  { weight: 1, arbitrary: fc.constant<Predicate>({ op: 'never', why: 'test' }) },
  {
    weight: 10,
    arbitrary: fc
      .tuple(attribute, valueTest, fc.boolean())
      .map(
        ([attribute, test, missing]): Predicate =>
          missing ? { op: 'test', attribute, test, missingAsEmpty: true } : { op: 'test', attribute, test },
      ),
  },
)
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('predicate'), { maxLength: 4 }).map((all): Predicate => ({ op: 'and', all })),
    fc.array(tie('predicate'), { maxLength: 4 }).map((any): Predicate => ({ op: 'or', any })),
    tie('predicate').map((not): Predicate => ({ op: 'not', not })),
  ),
}))
const header = fc.option(text, { nil: undefined })
const subject: fc.Arbitrary<Subject> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'CONNECT'),
    path: fc.constantFrom('/', '/a', '/a/b', '/ab', '/a?p=1', '/x?q=&p=x', '/a?pp=1&q'),
    a: fc.oneof(header, fc.array(text, { minLength: 2, maxLength: 3 })),
    b: header,
    peer: fc.option(fc.constantFrom('web', 'x'), { nil: undefined }),
    remote: fc.constantFrom('127.0.0.1', '10.0.0.1', '::1'),
    port: fc.constantFrom(1, 7, 8, 80),
    random: fc.nat(99),
  })
  .map(({ method, path, a, b, peer, remote, port, random }) => ({
    head: plainHead({
      method,
      path,
      authority: 'catalog',
      headers: { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) },
    }),
    connection: {
      localAddress: '127.0.0.2',
      localPort: port,
      remoteAddress: remote,
      remotePort: 1000,
      sni: undefined,
      transportProtocol: 'raw_buffer',
      applicationProtocols: [],
      tls: peer !== undefined,
      peerNames: peer === undefined ? [] : [peer],
    },
    random,
  }))

test('a closure decides as the interpreter of the same tree', () => {
  fc.assert(
    fc.property(predicate, fc.array(subject, { minLength: 1, maxLength: 8 }), (one, subjects) => {
      const fast = closure(one)
      for (const s of subjects) assert.equal(fast(s), evaluate(one, s))
    }),
    runs,
  )
})

test('what satisfy finds satisfies every part of the goal', () => {
  let found = 0
  fc.assert(
    fc.property(fc.array(predicate, { maxLength: 3 }), subject, (goal, s) => {
      const changes = satisfy(goal, s)
      if (changes === undefined) return
      found++
      const changed = overlay(s, changes)
      for (const part of goal) assert.equal(evaluate(part, changed), true)
    }),
    { numRuns: 150 },
  )
  assert.ok(found > 60, `only ${found} goals were met`)
})

test('an implication holds on every subject', () => {
  let implied = 0
  fc.assert(
    fc.property(predicate, predicate, fc.array(subject, { minLength: 4, maxLength: 12 }), (a, b, subjects) => {
      if (!implies(a, b)) return
      implied++
      for (const s of subjects) if (evaluate(a, s)) assert.equal(evaluate(b, s), true)
    }),
    { numRuns: 3000 },
  )
  assert.ok(implied > 50, `only ${implied} implications`)
})

test('being absent implies nothing where a missing value counts as empty', () => {
  const attribute = { name: 'request.headers', key: 'b' } as const
  const absent: Predicate = { op: 'test', attribute, test: { is: 'absent' } }
  assert.equal(implies(absent, { ...absent, missingAsEmpty: true }), false)
  assert.equal(implies(absent, absent), true)
})

/** Small rules, so that everything that can be asked can be tried. */
const smallTest = fc.constantFrom<Predicate>(
  {
    op: 'test',
    attribute: { name: 'request.headers', key: 'a' },
    test: { is: 'exact', value: '1', ignoreCase: false },
  },
  { op: 'test', attribute: { name: 'request.headers', key: 'a' }, test: { is: 'present' } },
  { op: 'test', attribute: { name: 'request.headers', key: 'a' }, test: { is: 'absent' } },
  {
    op: 'test',
    attribute: { name: 'request.headers', key: 'b' },
    test: { is: 'exact', value: 'x', ignoreCase: false },
  },
  { op: 'test', attribute: { name: 'request.method' }, test: { is: 'exact', value: 'POST', ignoreCase: false } },
  {
    op: 'test',
    attribute: { name: 'request.query_params', key: 'p' },
    test: { is: 'exact', value: '1', ignoreCase: false },
  },
)
const smallPath = fc.constantFrom<ValueTest>(
  { is: 'prefix', value: '/', ignoreCase: false },
  { is: 'prefix', value: '/a', ignoreCase: false },
  { is: 'exact', value: '/a/b', ignoreCase: false },
  { is: 'path-prefix', value: '/a', ignoreCase: false },
)
const smallRule = fc.tuple(smallPath, fc.array(smallTest, { maxLength: 2 })).map(
  ([path, tests]): Predicate => ({
    op: 'and',
    all: [{ op: 'test', attribute: { name: 'request.url_path' }, test: path }, ...tests],
  }),
)

function hostOf(rules: readonly Predicate[]): VirtualHost {
  const routes = rules.map((rule, index) => ({ name: `r${index}`, index, origins: {}, match: makeRule(rule) }))
  return { name: 'host', origins: {}, routes } as unknown as VirtualHost
}

function everyRequest(): Subject[] {
  const base = {
    localAddress: '',
    localPort: 80,
    remoteAddress: '',
    remotePort: 1,
    sni: undefined,
    tls: false,
    peerNames: [],
  }
  const connection = { ...base, transportProtocol: 'raw_buffer' as const, applicationProtocols: [] }
  const all: Subject[] = []
  for (const method of ['GET', 'POST'])
    for (const path of ['/', '/a', '/a/b', '/a/c', '/ab', '/c'])
      for (const query of ['', '?p=1', '?p=2'])
        for (const a of [undefined, '1', '2'])
          for (const b of [undefined, 'x', 'y']) {
            const headers = { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) }
            const head = plainHead({ method, path: path + query, authority: 'catalog', headers })
            all.push({ head, connection, random: 0 })
          }
  return all
}

test('each losing route names changes that make it win, or is truly unreachable', () => {
  const requests = everyRequest()
  let won = 0
  let unreachable = 0
  fc.assert(
    fc.property(fc.array(smallRule, { minLength: 2, maxLength: 6 }), fc.nat(requests.length - 1), (rules, n) => {
      const host = hostOf(rules)
      const s = requests[n] as Subject
      const steps: ProofStep[] = []
      matchRoute(
        host,
        s,
        recordTo((step) => steps.push(step)),
      )
      for (const loser of (steps[0] as ProofStep).losers) {
        assert.ok(loser.failed.length > 0, 'a loser has a failed condition')
        if (loser.counterfactual !== undefined) {
          won++
          assert.equal(matchRoute(host, overlay(s, loser.counterfactual))?.name, loser.name)
          assert.equal(loser.unreachable, undefined)
        } else {
          unreachable++
          assert.match(loser.unreachable ?? '', /^shadowed by r\d|^no request satisfies it/)
          const reached = requests.filter((one) => matchRoute(host, one)?.name === loser.name)
          assert.equal(reached.length, 0, `${loser.name} is reachable`)
        }
      }
    }),
    { numRuns: 300 },
  )
  assert.ok(won > 100 && unreachable > 20, `${won} won, ${unreachable} unreachable`)
})
