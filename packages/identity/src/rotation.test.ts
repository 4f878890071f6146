import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INITIAL_ROTATION, renewAtMs, type RotationState, rotate } from './rotation.ts'

test('renewal comes at half of the remaining life, give or take a tenth', () => {
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 0, max: 60_000 }),
      unit,
      (lifeMs, backMs, random) => {
        const at = renewAtMs(1e12 - backMs, 1e12 + lifeMs, 1e12, random)
        assert.ok(at >= 1e12 + lifeMs * 0.4 - 1 && at <= 1e12 + lifeMs * 0.6 + 1)
      },
    ),
  )
})

test('a life of one identity: asked, held, renewed at the wake-up and not before', () => {
  const start = rotate(INITIAL_ROTATION, { kind: 'start' }, 0)
  assert.deepEqual(start.effects, [{ kind: 'request' }])
  const held = rotate(start.state, { kind: 'issued', notBeforeMs: 0, notAfterMs: 60_000, random: 0.5 }, 0)
  assert.deepEqual(held.effects, [{ kind: 'wakeAt', atMs: 30_000 }])
  assert.deepEqual(rotate(held.state, { kind: 'wake' }, 29_000).effects, [{ kind: 'wakeAt', atMs: 30_000 }])
  const asking = rotate(held.state, { kind: 'wake' }, 30_000)
  assert.deepEqual(asking.effects, [{ kind: 'request' }])
  assert.deepEqual(rotate(asking.state, { kind: 'force' }, 30_001).effects, [], 'one request at a time')
})

test('failures back off but leave several attempts before expiry', () => {
  let state: RotationState = { phase: 'asking', notBeforeMs: 0, notAfterMs: 60_000, wakeAtMs: undefined, failures: 0 }
  let now = 30_000
  let attempts = 0
  while (now < 60_000) {
    const step = rotate(state, { kind: 'failed', random: 0.5 }, now)
    assert.equal(step.state.phase, 'held')
    now = step.state.wakeAtMs as number
    state = { ...step.state, phase: 'asking' }
    attempts++
  }
  assert.ok(attempts >= 8 && attempts < 100, `${attempts} attempts`)
})

test('an expired identity is reported and asked for again', () => {
  const state: RotationState = { phase: 'asking', notBeforeMs: 0, notAfterMs: 10, wakeAtMs: undefined, failures: 3 }
  const step = rotate(state, { kind: 'failed', random: 0 }, 20)
  assert.equal(step.state.phase, 'empty')
  assert.ok(step.effects.some((effect) => effect.kind === 'expired'))
  assert.ok(step.effects.some((effect) => effect.kind === 'wakeAt'))
})
