import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, parseDurationMs } from './duration.ts'

test('durations are read as Go reads them', () => {
  const cases: readonly [string, number | undefined][] = [
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1h30m', 5_400_000],
    ['100us', 0.1],
    ['5', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['1d', undefined],
    ['s', undefined],
    ['', undefined],
  ]
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text)
  assert.equal(durationMs(undefined), undefined)
  assert.throws(() => durationMs('soon'), /invariant/)
})
