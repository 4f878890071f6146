import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterAnswer, unasked } from './readiness.ts'

test('an entry is ready until enough failures in a row, and again after enough successes in a row', () => {
  const thresholds = { failureThreshold: 3, successThreshold: 2 }
  let state = unasked
  const verdicts = [false, false, true, false, false, false, true, false, true, true].map((good) => {
    state = afterAnswer(state, good, thresholds)
    return state.ready
  })
  assert.deepEqual(verdicts, [true, true, true, true, true, false, false, false, false, true])
})
