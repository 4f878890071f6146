import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutlierDetection, RateRules } from '../model.ts'
import { OutlierDetector, type RequestResult } from './outlier-detector.ts'

const never: RateRules = {
  successRateMinimumHosts: 2,
  successRateVolume: 10,
  successRateStdevFactor: 900,
  enforcingSuccessRatePercent: 0,
  failureThresholdPercent: 85,
  failureMinimumHosts: 2,
  failureVolume: 10,
  enforcingFailurePercent: 0,
}
const settings: OutlierDetection = {
  consecutive5xx: 3,
  consecutiveGatewayFailure: 2,
  enforcingConsecutive5xxPercent: 100,
  enforcingConsecutiveGatewayFailurePercent: 0,
  intervalMs: 1_000,
  baseEjectionMs: 1_000,
  maxEjectionMs: 2_500,
  maxEjectionPercent: 50,
  alwaysEjectOne: false,
  splitsLocal: false,
  consecutiveLocal: 2,
  enforcingLocalPercent: 100,
  rates: never,
  localRates: never,
}

function detector(changes: Partial<OutlierDetection> = {}, total = 4, draw = 0) {
  const outliers = new OutlierDetector({ ...settings, ...changes })
  const feed = (key: string, ...results: RequestResult[]): boolean =>
    results.map((result) => outliers.onResult(key, result, { nowMs: 0, total, draw: () => draw })).includes(true)
  return { outliers, feed }
}

const bad = { status: 500 }
const gateway = { status: 503 }
const good = { status: 404 }

test('so many bad answers in a row eject, and one good answer begins anew', () => {
  const { outliers, feed } = detector()
  assert.equal(feed('a', bad, bad, good, bad, bad), false)
  assert.equal(feed('a', bad), true)
  assert.deepEqual([...outliers.ejected], ['a'])
  assert.equal(feed('a', bad, bad, bad), false, 'it is out already')
})

test('where failures count apart, a connection to carry a request ends those before it', () => {
  const split = detector({ splitsLocal: true })
  assert.equal(split.feed('a', 'connected', 'local-failure', 'connected', 'local-failure'), false, 'as Envoy')
  assert.equal(split.feed('a', 'local-failure'), true, 'no connection in between')
  const whole = detector()
  assert.equal(whole.feed('a', bad, 'connected', 'connected', 'connected', bad), false, 'else it says nothing')
  assert.equal(whole.feed('a', bad), true)
})

test('gateway errors have a count of their own, which other bad answers end', () => {
  const { feed } = detector({ enforcingConsecutiveGatewayFailurePercent: 100, consecutive5xx: 100 })
  assert.equal(feed('a', gateway, bad, gateway), false)
  assert.equal(feed('a', gateway), true)
})

test('failures without an answer count as 503, or apart from answers where that is asked for', () => {
  assert.equal(detector().feed('a', 'local-failure', bad, 'local-failure'), true)
  const split = detector({ splitsLocal: true })
  assert.equal(split.feed('a', bad, bad, 'local-failure', good, 'local-failure'), false)
  assert.equal(split.feed('a', 'local-failure'), true)
})

test('no more are ejected than the percentage says, unless one always may be', () => {
  const { feed } = detector()
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => feed(key, bad, bad, bad)),
    [true, true, false],
  )
  assert.equal(detector({ maxEjectionPercent: 10 }, 2).feed('a', bad, bad, bad), false)
  assert.equal(detector({ maxEjectionPercent: 10, alwaysEjectOne: true }, 2).feed('a', bad, bad, bad), true)
})

test('a share of the ejections is meant; 0 means none', () => {
  assert.equal(detector({ enforcingConsecutive5xxPercent: 0 }).feed('a', bad, bad, bad), false)
  assert.equal(detector({ enforcingConsecutive5xxPercent: 40 }, 4, 0.4).feed('a', bad, bad, bad), false)
  assert.equal(detector({ enforcingConsecutive5xxPercent: 41 }, 4, 0.4).feed('a', bad, bad, bad), true)
})

test('an endpoint comes back when its time is over, which grows from one ejection to the next up to the most', () => {
  const { outliers } = detector()
  const ejectAt = (nowMs: number): void => {
    for (let at = 0; at < 3; at++) outliers.onResult('a', bad, { nowMs, total: 4, draw: () => 0 })
  }
  const backAfter = (fromMs: number): number => {
    for (let ms = 100; ; ms += 100) if (outliers.sweep({ nowMs: fromMs + ms, total: 4, draw: () => 0 })) return ms
  }
  ejectAt(0)
  assert.equal(backAfter(0), 1_000)
  ejectAt(1_000)
  assert.equal(backAfter(1_000), 2_000)
  ejectAt(3_000)
  assert.equal(backAfter(3_000), 2_500)
})

test('endpoints that are gone are forgotten', () => {
  const { outliers, feed } = detector()
  feed('a', bad, bad, bad)
  assert.equal(outliers.keep(new Set(['b'])), true)
  assert.deepEqual([...outliers.ejected], [])
})

test('rates of an interval eject at its end, and the next one counts anew', () => {
  const sparse = { consecutive5xx: 1_000, consecutiveLocal: 1_000 }
  const { outliers, feed } = detector({ ...sparse, rates: { ...never, enforcingSuccessRatePercent: 100 } })
  const scope = (nowMs: number) => ({ nowMs, total: 4, draw: () => 0 })
  const ten = <T>(one: T): T[] => Array.from({ length: 10 }, () => one)
  feed('a', ...ten(good))
  feed('b', ...ten(bad))
  assert.equal(outliers.sweep(scope(100)), true)
  assert.deepEqual([...outliers.ejected], ['b'])
  assert.equal(outliers.sweep(scope(1_200)), true)
  assert.deepEqual([...outliers.ejected], [], 'it is back, and what it did before is forgotten')
})

test('with split counts, failures without an answer have rates of their own', () => {
  const sparse = { consecutive5xx: 1_000, consecutiveLocal: 1_000, splitsLocal: true }
  const enforced = { ...never, enforcingFailurePercent: 100 }
  const ten = <T>(one: T): T[] => Array.from({ length: 10 }, () => one)
  const ejectedBy = (rates: RateRules, localRates: RateRules) => {
    const { outliers, feed } = detector({ ...sparse, rates, localRates })
    feed('a', ...ten(good))
    feed('b', ...ten<RequestResult>('local-failure'))
    feed('c', ...ten(bad))
    for (const key of ['a', 'c']) feed(key, ...ten<RequestResult>('connected'))
    outliers.sweep({ nowMs: 100, total: 4, draw: () => 0 })
    return [...outliers.ejected]
  }
  assert.deepEqual(ejectedBy(enforced, never), ['c'])
  assert.deepEqual(ejectedBy(never, enforced), ['b'])
  const { outliers, feed } = detector({ ...sparse, localRates: { ...enforced, failureThresholdPercent: 60 } })
  for (let at = 0; at < 10; at++) feed('a', 'connected', 'local-failure')
  feed('b', ...ten<RequestResult>('connected'))
  outliers.sweep({ nowMs: 100, total: 4, draw: () => 0 })
  assert.deepEqual([...outliers.ejected], [], 'a connection that was there counts, whatever came of it')
})
