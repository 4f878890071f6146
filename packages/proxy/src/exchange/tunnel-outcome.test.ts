import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tunnelOutcome } from './tunnel-outcome.ts'

const reset = { reason: 'reset', detail: '' } as const
const lost = { reason: 'unreachable', detail: '' } as const
const ended = { reason: 'closed', detail: '' } as const
const switched = { downstream: 'http1', upstream: 'http1' } as const
const hop = { downstream: 'stream', upstream: 'bytes' } as const

test('the end of a connection that switched is a loss, whoever ended it first', () => {
  assert.equal(tunnelOutcome({ by: 'both', first: 'downstream', close: ended }, switched).flag, 'DC')
  assert.equal(tunnelOutcome({ by: 'both', first: 'upstream', close: ended }, switched).flag, 'UC')
  assert.equal(tunnelOutcome({ by: 'upstream', first: 'downstream', close: reset }, switched).flag, 'DC')
  assert.equal(tunnelOutcome({ by: 'downstream', first: 'upstream', close: reset }, switched).flag, 'UC')
})

test('a stream and a connection of bytes end in order', () => {
  const orderly = { flag: undefined, details: 'via_upstream' }
  assert.deepEqual(tunnelOutcome({ by: 'both', first: 'downstream', close: ended }, hop), orderly)
  assert.deepEqual(tunnelOutcome({ by: 'both', first: 'upstream', close: ended }, hop), orderly)
  assert.deepEqual(tunnelOutcome({ by: 'downstream', first: 'upstream', close: lost }, hop), orderly)
})

test('a reset is told apart from the loss of the connection around a stream', () => {
  assert.equal(tunnelOutcome({ by: 'downstream', first: 'downstream', close: reset }, hop).flag, 'DR')
  assert.equal(tunnelOutcome({ by: 'downstream', first: 'downstream', close: lost }, hop).flag, 'DC')
  const toStream = { downstream: 'stream', upstream: 'stream' } as const
  assert.equal(tunnelOutcome({ by: 'upstream', first: 'upstream', close: reset }, toStream).flag, 'UR')
  assert.equal(tunnelOutcome({ by: 'upstream', first: 'upstream', close: lost }, toStream).flag, 'UC')
  assert.equal(tunnelOutcome({ by: 'upstream', first: 'upstream', close: reset }, hop).flag, 'UC')
})

test('a tunnel that nobody uses is a stream that is idle', () => {
  assert.equal(tunnelOutcome({ by: 'idle', first: undefined, close: undefined }, hop).flag, 'SI')
  assert.equal(
    tunnelOutcome({ by: 'duration', first: undefined, close: undefined }, hop).details,
    'max_duration_timeout',
  )
})
