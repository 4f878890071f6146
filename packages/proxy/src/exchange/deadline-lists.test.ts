import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '@weft/testkit'
import { Deadline, DeadlineLists } from './deadline-lists.ts'

function lists() {
  const { clock } = new SimWorld(1)
  const fired: string[] = []
  const made = new DeadlineLists(clock, clock)
  const deadline = (name: string): Deadline =>
    new Deadline({ onDeadline: () => void fired.push(`${name}@${clock.nowMs()}`) })
  const startMs = clock.nowMs()
  return { clock, made, deadline, fired, at: (ms: number) => startMs + ms }
}

test('deadlines fire in time, in order, and not when disarmed or armed anew', async () => {
  const { clock, made, deadline, fired, at } = lists()
  const [a, b, c] = [deadline('a'), deadline('b'), deadline('c')]
  made.arm(a, 100)
  made.arm(b, 100)
  made.arm(c, 50)
  await clock.advance(60)
  made.arm(a, 100)
  made.disarm(b)
  made.disarm(b)
  await clock.advance(200)
  assert.deepEqual(fired, [`c@${at(50)}`, `a@${at(160)}`])
})

test('no limit is no deadline', async () => {
  const { clock, made, deadline, fired } = lists()
  made.arm(deadline('never'), 0)
  await clock.advance(100_000)
  assert.deepEqual(fired, [])
})

test('any number of durations may be asked for; none fires early', async () => {
  const { clock, made, deadline, fired, at } = lists()
  const startMs = clock.nowMs()
  for (let delayMs = 1; delayMs <= 500; delayMs++) made.arm(deadline(String(delayMs)), delayMs)
  await clock.advance(1_100)
  assert.equal(fired.length, 500)
  for (const one of fired) {
    const [delayMs, firedMs] = one.split('@').map(Number) as [number, number]
    assert.ok(firedMs - startMs >= delayMs && firedMs <= at(1_024), one)
  }
})
