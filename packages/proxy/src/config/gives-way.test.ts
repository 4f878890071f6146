import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givesWay } from './gives-way.ts'

const facts = (serial: string, notAfterMs: number, name = 'web') => ({
  serial,
  notAfterMs,
  notBeforeMs: 0,
  spiffeId: `spiffe://cluster.local/ns/x/sa/${name}`,
})

test('a certificate gives way to a newer one when less than half of the newer one’s life is left to it', () => {
  assert.equal(givesWay(facts('1', 60_000), facts('1', 60_000), 50_000), false, 'it is the present one')
  assert.equal(givesWay(facts('1', 60_000), facts('2', 65_000), 5_000), false, 'five seconds later')
  assert.equal(givesWay(facts('1', 60_000), facts('2', 89_000), 29_000), false, 'just before half of it is over')
  assert.equal(givesWay(facts('1', 60_000), facts('2', 91_000), 31_000), true, 'just after')
  assert.equal(givesWay(facts('1', 60_000), facts('2', 160_000), 100_000), true, 'it has ended')
})

test('a certificate gives way at once to one of another name, and when there is none any more', () => {
  assert.equal(givesWay(facts('1', 60_000), facts('2', 61_000, 'orders'), 1_000), true)
  assert.equal(givesWay(facts('1', 60_000), undefined, 1_000), true)
  assert.equal(givesWay(undefined, facts('1', 60_000), 1_000), true)
  assert.equal(givesWay(undefined, undefined, 1_000), false)
})
