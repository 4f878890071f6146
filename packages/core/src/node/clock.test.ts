import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { holdClock, releaseClock } from './held-clock.ts'

const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('the monotonic clock stands still while it is held, is read anew by each hold, and goes on afterwards', () => {
  holdClock()
  const first = systemClock.nowMs()
  spin(2)
  assert.equal(systemClock.nowMs(), first)
  holdClock()
  const second = systemClock.nowMs()
  assert.ok(second >= first + 2)
  releaseClock()
  spin(2)
  assert.ok(systemClock.nowMs() >= second + 2)
})
