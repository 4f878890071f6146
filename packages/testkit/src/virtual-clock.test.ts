import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRng } from './seeded-rng.ts'
import { VirtualClock } from './virtual-clock.ts'

test('timers fire in order of time, then of being set, with promise jobs in between', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  clock.set(20, () => seen.push(`c at ${clock.nowMs()}`))
  clock.set(10, () => {
    seen.push('a')
    void Promise.resolve().then(() => seen.push('job of a'))
  })
  clock.set(10, () => seen.push('b'))
  clock.set(15, () => seen.push('never')).cancel()
  await clock.advance(19)
  assert.deepEqual(seen, ['a', 'job of a', 'b'])
  await clock.advance(100)
  assert.deepEqual(seen, ['a', 'job of a', 'b', 'c at 20'])
  assert.equal(clock.nowMs(), 119)
})

test('advanceUntil stops at the timer that made the condition true', async () => {
  const clock = new VirtualClock()
  let ticks = 0
  const tick = (): void => {
    ticks++
    clock.set(10, tick)
  }
  clock.set(10, tick)
  assert.equal(await clock.advanceUntil(() => ticks === 3), true)
  assert.equal(clock.nowMs(), 30)
  assert.equal(await clock.advanceUntil(() => false, 100), false)
})

test('one seed gives one sequence, another seed another', () => {
  const draw = (seed: number): number[] => {
    const rng = seededRng(seed)
    return [rng.float(), rng.float(), rng.float()]
  }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
  for (const value of draw(7)) assert.ok(value >= 0 && value < 1)
})
