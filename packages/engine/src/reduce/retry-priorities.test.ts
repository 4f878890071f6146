// Where retries go among priorities. Beside Envoy: tests/interop/retry-priorities.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryPriorities } from './retry-priorities.ts'

const levels = (...available: number[]) => available.map((availability, priority) => ({ priority, availability }))

test('what was tried has no share, until everything was: then it begins anew', () => {
  const priorities = new RetryPriorities(1)
  const three = levels(100, 100, 100)
  assert.equal(priorities.shares(three), undefined)
  const shares = [0, 1, 2, 0, 1].map((priority) => {
    priorities.tried(priority)
    return priorities.shares(three)
  })
  const [first, second, third] = [
    [100, 0, 0],
    [0, 100, 0],
    [0, 0, 100],
  ]
  assert.deepEqual(shares, [second, third, first, second, third])
})

test('shares change with every so many tries, and hold between', () => {
  const priorities = new RetryPriorities(2)
  const shares = [0, 0, 1, 1].map((priority) => {
    priorities.tried(priority)
    return priorities.shares(levels(100, 100, 100))
  })
  assert.deepEqual(shares, [undefined, [0, 100, 0], [0, 100, 0], [0, 0, 100]])
})

test('a priority that is half there takes half, and what is left goes on', () => {
  const priorities = new RetryPriorities(1)
  priorities.tried(0)
  assert.deepEqual(priorities.shares(levels(100, 70, 100)), [0, 70, 30])
  const few = new RetryPriorities(1)
  few.tried(0)
  // Of all there is, and rounded down: the rest goes to the first again.
  assert.deepEqual(few.shares(levels(100, 14, 28)), [0, 34, 66])
})

test('where nothing is available the shares are as ever; an endpoint that is gone counts as a try', () => {
  const priorities = new RetryPriorities(1)
  priorities.tried(0)
  assert.equal(priorities.shares(levels(0, 0)), undefined)
  const gone = new RetryPriorities(2)
  gone.tried(undefined)
  gone.tried(0)
  assert.deepEqual(gone.shares(levels(100, 100)), [0, 100])
})

test('priorities that have less than a percent each are shared out too', () => {
  const priorities = new RetryPriorities(1)
  priorities.tried(0)
  const shares = priorities.shares(levels(100, ...Array.from({ length: 120 }, () => 0.9)))
  assert.deepEqual(shares?.slice(0, 3), [0, 100, 0])
})
