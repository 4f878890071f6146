// Balancing, retries, breakers and buckets: tables and properties.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeRule } from '../match/closure.ts'
import type { Balancer, BreakerLimits, Cluster, Endpoint, EndpointSet, RetryOn, RetryPolicy } from '../model.ts'
import { plainHead, type Subject } from '../request-head.ts'
import { admits } from './circuit-breaker.ts'
import { makePicker, type PickContext } from './picker.ts'
import { type AttemptOutcome, effectiveRetryPolicy, hedgeVerdict, isRepeated, retryVerdict } from './retry-plan.ts'
import { fullBucket, takeTokens } from './token-bucket.ts'

type Health = Endpoint['health']

function endpoint(key: string, health: Health = 'healthy', weight = 1): Endpoint {
  return { key, health, weight } as unknown as Endpoint
}
function setOf(...priorities: readonly (readonly Endpoint[])[]): EndpointSet {
  const localities = priorities.map((endpoints, priority) => ({
    region: '',
    zone: '',
    subZone: '',
    priority,
    weight: 0,
    endpoints,
  }))
  return { name: 'c', localities, overprovisioningPercent: 140, unlisted: [] }
}
function clusterOf(balancer: Balancer, panicThresholdPercent = 50): Cluster {
  return { name: 'c', balancer, panicThresholdPercent } as unknown as Cluster
}
/** A small deterministic generator (mulberry32). */
function draws(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
function context(more: Partial<PickContext> = {}): PickContext {
  return { random: draws(1), activeRequests: () => 0, previous: [], ...more }
}
const roundRobin: Balancer = { policy: 'round-robin' }
const leastRequest: Balancer = { policy: 'least-request', choiceCount: 2, activeRequestBias: 1 }

function counts(cluster: Cluster, set: EndpointSet, picks: number, ctx = context()): Record<string, number> {
  const picker = makePicker(cluster, set)
  const seen: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const pick = picker.pick(ctx)
    if (pick.kind === 'picked') seen[pick.endpoint.key] = (seen[pick.endpoint.key] ?? 0) + 1
  }
  return seen
}

test('endpoints that have not arrived are waited for, none at all is an answer', () => {
  assert.deepEqual(makePicker(clusterOf(roundRobin), undefined).pick(context()), { kind: 'wait' })
  assert.deepEqual(makePicker(clusterOf(roundRobin), setOf()).pick(context()), { kind: 'none', reason: 'no-endpoints' })
})

test('round robin is even, and goes on where the picker before it stood', () => {
  const set = setOf([endpoint('a'), endpoint('b'), endpoint('c')])
  assert.deepEqual(counts(clusterOf(roundRobin), set, 30), { a: 10, b: 10, c: 10 })
  const first = makePicker(clusterOf(roundRobin), set)
  first.pick(context())
  const next = makePicker(clusterOf(roundRobin), set, undefined, first).pick(context())
  assert.equal(next.kind === 'picked' && next.endpoint.key, 'b')
})

test('weights are followed within two percent', () => {
  const set = setOf([endpoint('a', 'healthy', 90), endpoint('b', 'healthy', 10)])
  for (const balancer of [roundRobin, leastRequest, { policy: 'random' } as const]) {
    const seen = counts(clusterOf(balancer), set, 5000)
    assert.ok(Math.abs((seen['b'] ?? 0) - 500) < 100, `${balancer.policy}: ${seen['b']}`)
  }
})

test('least request avoids the busy', () => {
  const set = setOf([endpoint('busy'), endpoint('idle')])
  const seen = counts(
    clusterOf(leastRequest),
    set,
    1000,
    context({ activeRequests: (key) => (key === 'busy' ? 9 : 0) }),
  )
  assert.ok((seen['busy'] ?? 0) < 350 && (seen['idle'] ?? 0) > 650, JSON.stringify(seen))
})

test('the unhealthy get nothing while enough are healthy', () => {
  const set = setOf([endpoint('a'), endpoint('b', 'unknown'), endpoint('c', 'unhealthy')])
  assert.deepEqual(Object.keys(counts(clusterOf(roundRobin), set, 20)).sort(), ['a', 'b'])
})

test('below the panic threshold health is ignored, and 0 turns that off', () => {
  const set = setOf([endpoint('a'), endpoint('b', 'unhealthy'), endpoint('c', 'draining')])
  const pick = makePicker(clusterOf(roundRobin), set).pick(context())
  assert.equal(pick.kind === 'picked' && pick.panic, true)
  assert.equal(Object.keys(counts(clusterOf(roundRobin), set, 20)).length, 3)
  assert.deepEqual(counts(clusterOf(roundRobin, 0), set, 20), { a: 20 })
  const none = makePicker(clusterOf(roundRobin, 0), setOf([endpoint('a', 'unhealthy')])).pick(context())
  assert.deepEqual(none, { kind: 'none', reason: 'no-healthy-endpoints' })
})

test('the ejected count as unhealthy', () => {
  const set = setOf([endpoint('a'), endpoint('b'), endpoint('c')])
  const picker = makePicker(clusterOf(roundRobin), set, new Set(['b']))
  const keys = Array.from({ length: 12 }, () => picker.pick(context())).map(
    (pick) => pick.kind === 'picked' && pick.endpoint.key,
  )
  assert.ok(!keys.includes('b'))
})

test('lower priorities take what the first cannot', () => {
  const healthy = [endpoint('a'), endpoint('b')]
  assert.deepEqual(Object.keys(counts(clusterOf(roundRobin), setOf(healthy, [endpoint('z')]), 50)).sort(), ['a', 'b'])
  const half = [endpoint('a'), endpoint('b', 'unhealthy')]
  const seen = counts(clusterOf(roundRobin), setOf(half, [endpoint('z')]), 4000)
  // 50 % healthy x 1.4 = 70 % stay.
  assert.ok(Math.abs((seen['a'] ?? 0) - 2800) < 150 && Math.abs((seen['z'] ?? 0) - 1200) < 150, JSON.stringify(seen))
  const gone = [endpoint('a', 'unhealthy')]
  assert.deepEqual(counts(clusterOf(roundRobin), setOf(gone, [endpoint('z')]), 10), { z: 10 })
})

test('a retry looks for an endpoint it has not tried', () => {
  const set = setOf([endpoint('a'), endpoint('b')])
  const picker = makePicker(clusterOf(roundRobin), set)
  for (let i = 0; i < 10; i++) {
    const pick = picker.pick(context({ previous: ['a'], attempts: 5 }))
    assert.equal(pick.kind === 'picked' && pick.endpoint.key, 'b')
  }
  const only = makePicker(clusterOf(roundRobin), setOf([endpoint('a')])).pick(context({ previous: ['a'] }))
  assert.equal(only.kind === 'picked' && only.endpoint.key, 'a')
})

test('whatever is picked is among the endpoints, and something is whenever one is healthy', () => {
  const health = fc.constantFrom<Health>('unknown', 'healthy', 'unhealthy', 'draining', 'timeout', 'degraded')
  const group = fc.array(fc.tuple(health, fc.integer({ min: 1, max: 5 })), { maxLength: 5 })
  fc.assert(
    fc.property(
      fc.array(group, { maxLength: 3 }),
      fc.constantFrom<Balancer>(roundRobin, leastRequest, { policy: 'random' }),
      fc.constantFrom(0, 50, 100),
      fc.nat(),
      (groups, balancer, panic, seed) => {
        const levels = groups.map((one, p) => one.map(([state, weight], i) => endpoint(`${p}.${i}`, state, weight)))
        const all = levels.flat()
        const picker = makePicker(clusterOf(balancer, panic), setOf(...levels))
        for (let i = 0; i < 5; i++) {
          const pick = picker.pick(context({ random: draws(seed + i) }))
          if (pick.kind === 'picked') assert.ok(all.includes(pick.endpoint))
          else
            assert.equal(
              all.some(({ health: h }) => h === 'healthy' || h === 'unknown'),
              false,
            )
        }
      },
    ),
    { numRuns: 300 },
  )
})

function policy(...on: readonly RetryOn[]): RetryPolicy {
  return {
    retryOn: new Set(on),
    numRetries: 2,
    perTryTimeoutMs: 0,
    perTryIdleTimeoutMs: 0,
    retriableStatusCodes: new Set([429]),
    retriableHeaders: [],
    retriableRequestHeaders: [],
    backOff: { baseMs: 25, maxMs: 250 },
    avoidPreviousHosts: false,
    hostSelectionMaxAttempts: 1,
    triesPerPriority: undefined,
  }
}
function ask(method: string, headers: Record<string, string> = {}): Subject {
  const head = plainHead({ method, path: '/', authority: 'a', headers })
  return { head, connection: {} as unknown as Subject['connection'], random: 0 }
}
function status(code: number, headers: Record<string, string> = {}): AttemptOutcome {
  return { kind: 'response', status: code, header: (name) => headers[name] }
}
const reset: AttemptOutcome = { kind: 'reset', requestStarted: true }
const unsent: AttemptOutcome = { kind: 'reset', requestStarted: false }

const retried: readonly (readonly [RetryOn, AttemptOutcome, boolean])[] = [
  ['5xx', status(500), true],
  ['5xx', status(404), false],
  ['5xx', reset, true],
  ['5xx', { kind: 'per-try-timeout' }, true],
  ['5xx', { kind: 'overflow' }, false],
  ['gateway-error', status(503), true],
  ['gateway-error', status(500), false],
  ['gateway-error', { kind: 'connect-failure' }, true],
  ['reset', reset, true],
  ['reset', status(503), false],
  ['reset-before-request', unsent, true],
  ['reset-before-request', reset, false],
  ['connect-failure', { kind: 'connect-failure' }, true],
  ['connect-failure', reset, false],
  ['refused-stream', { kind: 'refused-stream' }, true],
  ['refused-stream', { kind: 'connect-failure' }, false],
  ['retriable-4xx', status(409), true],
  ['retriable-4xx', status(404), false],
  ['retriable-status-codes', status(429), true],
  ['retriable-status-codes', status(430), false],
  ['unavailable', status(200, { 'grpc-status': '14' }), true],
  ['cancelled', status(200, { 'grpc-status': '14' }), false],
  ['5xx', status(503, { 'x-envoy-ratelimited': 'true' }), false],
  ['envoy-ratelimited', status(429, { 'x-envoy-ratelimited': 'true' }), true],
]

for (const [on, outcome, expected] of retried) {
  const what = outcome.kind === 'response' ? `status ${outcome.status}` : outcome.kind
  test(`retry_on ${on} ${expected ? 'repeats' : 'does not repeat'} after ${what}`, () => {
    const verdict = retryVerdict({ policy: policy(on), retries: 0, subject: ask('GET'), declared: true }, outcome, 0.5)
    assert.equal(verdict.kind, expected ? 'retry' : 'stop')
  })
}

test('undeclared retries never repeat a request that may have run, unless its method is idempotent', () => {
  const verdict = (method: string, outcome: AttemptOutcome, declared: boolean) =>
    retryVerdict({ policy: policy('5xx'), retries: 0, subject: ask(method), declared }, outcome, 0).kind
  assert.equal(verdict('POST', reset, false), 'stop')
  assert.equal(verdict('POST', reset, true), 'retry')
  assert.equal(verdict('PUT', reset, false), 'retry')
  assert.equal(verdict('POST', { kind: 'connect-failure' }, false), 'retry')
  assert.equal(verdict('POST', unsent, false), 'retry')
})

test('retries end at their number, and back off with full jitter up to the maximum', () => {
  const verdict = (retries: number, jitter: number) =>
    retryVerdict(
      { policy: { ...policy('5xx'), numRetries: 9 }, retries, subject: ask('GET'), declared: true },
      status(500),
      jitter,
    )
  assert.deepEqual(verdict(9, 0), { kind: 'stop', reason: 'limit' })
  assert.deepEqual(verdict(0, 0.5), { kind: 'retry', afterMs: 12.5 })
  assert.deepEqual(verdict(2, 0.5), { kind: 'retry', afterMs: 50 })
  assert.deepEqual(verdict(8, 1), { kind: 'retry', afterMs: 250 })
})

test("a request's own retry headers add to the policy", () => {
  const head = (headers: Record<string, string>) => ask('GET', headers).head
  assert.equal(effectiveRetryPolicy(undefined, head({})), undefined)
  const wished = effectiveRetryPolicy(undefined, head({ 'x-envoy-retry-on': '5xx,reset', 'x-envoy-max-retries': '3' }))
  assert.deepEqual([...(wished?.retryOn ?? [])], ['5xx', 'reset'])
  assert.equal(wished?.numRetries, 3)
  assert.equal(effectiveRetryPolicy(policy('5xx'), head({ 'x-envoy-max-retries': '0' }))?.numRetries, 0)
})

test('a slow try is hedged whatever is repeated otherwise, as long as something is and retries are left', () => {
  const hedge = (hedged: RetryPolicy, retries: number, method = 'GET') =>
    hedgeVerdict({ policy: hedged, retries, subject: ask(method) }, 0.5)
  assert.deepEqual(hedge(policy('connect-failure'), 0), { kind: 'retry', afterMs: 12.5 })
  assert.deepEqual(hedge(policy('connect-failure'), 2), { kind: 'stop', reason: 'limit' })
  assert.deepEqual(hedge(policy(), 0), { kind: 'stop', reason: 'not-retriable' })
  const gets = makeRule({
    op: 'test',
    attribute: { name: 'request.method' },
    test: { is: 'exact', value: 'GET', ignoreCase: false },
  })
  const some = { ...policy('5xx'), retriableRequestHeaders: [gets] }
  assert.equal(hedge(some, 0).kind, 'retry')
  assert.deepEqual(hedge(some, 0, 'POST'), { kind: 'stop', reason: 'request-headers' })
  const state = { policy: some, subject: ask('GET'), declared: true }
  assert.deepEqual(
    [500, 404].map((code) => isRepeated(state, status(code))),
    [true, false],
  )
})

test('a breaker admits up to its limits; a retry budget follows the load', () => {
  const limits: BreakerLimits = {
    maxConnections: 1,
    maxPendingRequests: 1,
    maxRequests: 2,
    maxRetries: 1,
    retryBudget: undefined,
  }
  const noUse = { connections: 0, pendingRequests: 0, requests: 0, retries: 0 }
  assert.equal(admits(limits, { ...noUse, requests: 1 }, 'requests'), true)
  assert.equal(admits(limits, { ...noUse, requests: 2 }, 'requests'), false)
  assert.equal(admits(limits, { ...noUse, retries: 1 }, 'retries'), false)
  const budget = { ...limits, retryBudget: { percent: 20, minConcurrency: 3, intervalMs: 0 } }
  assert.equal(admits(budget, { ...noUse, retries: 3 }, 'retries'), false)
  assert.equal(admits(budget, { ...noUse, requests: 100, retries: 19 }, 'retries'), true)
  assert.equal(admits(budget, { ...noUse, requests: 100, retries: 20 }, 'retries'), false)
})

test('a bucket never gives more than it holds plus what has been filled', () => {
  fc.assert(
    fc.property(
      fc.record({
        tokensMax: fc.integer({ min: 1, max: 20 }),
        tokensPerFill: fc.integer({ min: 1, max: 5 }),
        fillIntervalMs: fc.integer({ min: 1, max: 100 }),
      }),
      fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 4 })), { maxLength: 50 }),
      (spec, events) => {
        let bucket = fullBucket(spec, 0)
        let now = 0
        let taken = 0
        for (const [wait, wanted] of events) {
          now += wait
          const result = takeTokens(spec, bucket, wanted, now)
          bucket = result.bucket
          if (result.taken) taken += wanted
          assert.ok(taken <= spec.tokensMax + Math.floor(now / spec.fillIntervalMs) * spec.tokensPerFill)
          assert.ok(bucket.tokens >= 0 && bucket.tokens <= spec.tokensMax)
        }
      },
    ),
  )
})
