// Rate limits: which requests count for which limit, how buckets fill, and that values cannot fill the memory.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DescriptorRecipe, HttpRateLimit } from '../model-rate-limits.ts'
import { type ConnectionFacts, plainHead, type Subject } from '../request-head.ts'
import { RateLimiter } from './rate-limiter.ts'

const bucket = { tokensMax: 2, tokensPerFill: 1, fillIntervalMs: 500 }
const base: HttpRateLimit = { kind: 'rate-limit', all: undefined, limits: [], status: 429, headers: [] }
const byUser: HttpRateLimit = {
  ...base,
  limits: [
    {
      entries: [
        { key: 'limit', value: 'a' },
        { key: 'x-user', value: undefined },
      ],
      bucket,
    },
  ],
}
const recipe: DescriptorRecipe = [
  { kind: 'fixed', key: 'limit', value: 'a' },
  { kind: 'header', key: 'x-user', header: 'x-user', skips: false },
]

const connection: ConnectionFacts = {
  remoteAddress: '10.0.0.1',
  remotePort: 1,
  localAddress: '10.0.0.2',
  localPort: 80,
  sni: undefined,
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
  tls: false,
  peerNames: [],
}

function subject(headers: Readonly<Record<string, string>>): Subject {
  return { head: plainHead({ method: 'GET', path: '/', authority: 'a', headers }), connection, random: 0 }
}

test('a bucket gives its burst at once and then one token after the other', () => {
  const limiter = new RateLimiter({ ...base, all: bucket })
  const at = (ms: number): boolean => limiter.admits([], subject({}), ms)
  assert.deepEqual([0, 0, 0, 499, 500, 501, 1000].map(at), [true, true, false, false, true, false, true])
})

test('each value has a bucket of its own, and a request without one is not counted', () => {
  const limiter = new RateLimiter(byUser)
  const ask = (user: string): boolean => limiter.admits([recipe], subject({ 'x-user': user }), 0)
  assert.deepEqual(['ann', 'ann', 'ann', 'bob', 'ann'].map(ask), [true, true, false, true, false])
  for (let index = 0; index < 5; index++) assert.ok(limiter.admits([recipe], subject({}), 0))
})

test('entries must be those of the limit, one for one', () => {
  const limiter = new RateLimiter(byUser)
  const others: DescriptorRecipe[] = [
    [{ kind: 'fixed', key: 'limit', value: 'b' }, recipe[1] as DescriptorRecipe[0]],
    [recipe[0] as DescriptorRecipe[0]],
    [...recipe, { kind: 'address' }],
  ]
  for (const other of others) {
    for (let index = 0; index < 5; index++) assert.ok(limiter.admits([other], subject({ 'x-user': 'ann' }), 0))
  }
})

test('of very many values the ones not used for the longest start anew', () => {
  const limiter = new RateLimiter(byUser)
  const ask = (user: string): boolean => limiter.admits([recipe], subject({ 'x-user': user }), 0)
  assert.deepEqual([ask('first'), ask('first'), ask('first')], [true, true, false])
  for (let index = 0; index < 9999; index++) ask(`user-${index}`)
  assert.equal(ask('first'), false)
  for (let index = 0; index < 10_000; index++) ask(`other-${index}`)
  assert.equal(ask('first'), true)
})
