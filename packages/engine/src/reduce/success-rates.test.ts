import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateRules } from '../model.ts'
import { outliersByRate } from './success-rates.ts'

const rules: RateRules = {
  successRateMinimumHosts: 5,
  successRateVolume: 100,
  successRateStdevFactor: 1_900,
  enforcingSuccessRatePercent: 100,
  failureThresholdPercent: 85,
  failureMinimumHosts: 5,
  failureVolume: 50,
  enforcingFailurePercent: 70,
}

function tallies(...successes: number[]): (readonly [string, { total: number; successes: number }])[] {
  return successes.map((count, index) => [`h${index}`, { total: 100, successes: count }] as const)
}

test('an endpoint that succeeds much less often than the others stands out', () => {
  assert.deepEqual(outliersByRate(tallies(100, 100, 100, 100, 50), rules), [{ key: 'h4', enforcedPercent: 100 }])
  assert.deepEqual(outliersByRate(tallies(100, 98, 96, 94, 92), rules), [])
  assert.deepEqual(outliersByRate(tallies(50, 50, 50, 50, 50), rules), [], 'all fail alike')
})

test('the factor of the deviation says how far off an endpoint has to be', () => {
  // Mean 90, deviation 20: the last is two deviations below.
  const rates = tallies(100, 100, 100, 100, 50)
  assert.equal(outliersByRate(rates, { ...rules, successRateStdevFactor: 1_999 }).length, 1)
  assert.equal(outliersByRate(rates, { ...rules, successRateStdevFactor: 2_001 }).length, 0)
})

test('too few endpoints, or too few requests, say nothing', () => {
  assert.deepEqual(outliersByRate(tallies(100, 100, 100, 0), rules), [])
  const few = tallies(100, 100, 100, 100).concat([['h4', { total: 49, successes: 0 }]])
  assert.deepEqual(outliersByRate(few, rules), [])
  assert.deepEqual(outliersByRate([], { ...rules, successRateMinimumHosts: 0, failureMinimumHosts: 0 }), [])
})

test('an endpoint that fails more often than it may stands out, however the others do', () => {
  const byFailures = (...successes: number[]) =>
    outliersByRate(tallies(...successes), { ...rules, successRateVolume: 1_000 }).map(({ key }) => key)
  assert.deepEqual(byFailures(15, 16, 15, 100, 100), ['h0', 'h2'])
  assert.equal(outliersByRate(tallies(0, 0, 0, 0, 0), rules)[0]?.enforcedPercent, 70)
})
