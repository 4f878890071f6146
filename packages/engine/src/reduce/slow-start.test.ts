import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint, SlowStart } from '../model.ts'
import { busyWeight, type ChooseAmong, roundRobin, turnShare } from './choose-endpoint.ts'
import type { PickContext } from './picker.ts'
import { chooseSlowly, slowStartFactor } from './slow-start.ts'

const slow: SlowStart = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 }

function endpoint(key: string, weight = 1): Endpoint {
  const target = { kind: 'socket', address: '127.0.0.1', port: 1 } as const
  return { key, target, hostname: '', health: 'healthy', weight, metadata: {} }
}

function contextAt(nowMs: number, active: Record<string, number> = {}): PickContext {
  return { random: () => 0, activeRequests: (key) => active[key] ?? 0, previous: [], nowMs: () => nowMs }
}

function shares(
  choose: ChooseAmong,
  nowMs: number,
  endpoints: readonly Endpoint[],
  picks = 1000,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let turn = 0; turn < picks; turn++) {
    const { key } = choose({ eligible: endpoints, totalWeight: 0 }, contextAt(nowMs), turn)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

test('the factor grows from its minimum to 1, in a straight line or by the aggression', () => {
  assert.deepEqual(
    [0, 500, 5_000, 9_999, 10_000, 99_999].map((ageMs) => slowStartFactor(slow, ageMs)),
    [0.1, 0.1, 0.5, 0.9999, 1, 1],
  )
  assert.equal(slowStartFactor({ ...slow, aggression: 2 }, 2_500), 0.5)
  assert.equal(slowStartFactor({ ...slow, aggression: 0.5 }, 5_000), 0.25)
  assert.equal(slowStartFactor({ ...slow, minWeightPercent: 0 }, 0), 0.0001)
})

test('an endpoint that joins late gets its growing share, and from the end of the window all take turns', () => {
  const joined = new Map([['young', 1_000]])
  const draw = (_context: PickContext, turn: number): number => turnShare(turn)
  const choose = chooseSlowly({ plain: roundRobin, weigh: ({ weight }) => weight, draw }, slow, joined)
  const endpoints = [endpoint('old'), endpoint('young')]
  const begins = shares(choose, 1_000, endpoints)
  assert.ok(Math.abs((begins['young'] ?? 0) - 1000 / 11) < 10, JSON.stringify(begins))
  const halfway = shares(choose, 6_000, endpoints)
  assert.ok(Math.abs((halfway['young'] ?? 0) - 1000 / 3) < 10, JSON.stringify(halfway))
  assert.deepEqual(shares(choose, 11_000, endpoints, 10), { old: 5, young: 5 })
})

test('endpoints that joined together take turns as ever', () => {
  const joined = new Map([
    ['a', 0],
    ['b', 0],
  ])
  const choose = chooseSlowly({ plain: roundRobin, weigh: () => 1, draw: () => 0 }, slow, joined)
  assert.deepEqual(shares(choose, 100, [endpoint('a'), endpoint('b')], 10), { a: 5, b: 5 })
})

test('with least request what an endpoint has to do counts too', () => {
  const weigh = (one: Endpoint, context: PickContext): number => busyWeight(one, 1, context)
  const joined = new Map([['young', 0]])
  const at = (draw: number, active: Record<string, number>): string => {
    const choose = chooseSlowly({ plain: roundRobin, weigh, draw: () => draw }, slow, joined)
    const among = { eligible: [endpoint('old'), endpoint('young')], totalWeight: 0 }
    return choose(among, contextAt(5_000, active), 0).key
  }
  // 1 against 0.5, and with three requests 0.25 against 0.5.
  assert.deepEqual([at(0.6, {}), at(0.7, {})], ['old', 'young'])
  assert.deepEqual([at(0.3, { old: 3 }), at(0.4, { old: 3 })], ['old', 'young'])
})
