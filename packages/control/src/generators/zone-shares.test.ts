import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientPlace, type PlacedEndpoint, parseLocality } from './locality.ts'
import { zoneWeights } from './zone-shares.ts'

const client: ClientPlace = { locality: parseLocality('north/a'), labels: {} }

function endpoints(...places: readonly string[]): PlacedEndpoint[] {
  return places.map((place) => ({ init: {}, locality: parseLocality(place), labels: {} }))
}

test('a zone that has its share of the endpoints keeps its traffic', () => {
  const spread = endpoints('north/a', 'north/a/1', 'north/b', 'north/b')
  assert.deepEqual([...zoneWeights(spread, client, { 'north/a': 1, 'north/b': 1 })], [['north/a', 1]])
})

test('a zone with too few endpoints sends the rest where endpoints outnumber clients', () => {
  const spread = endpoints('north/a', 'north/b', 'north/b', 'north/c')
  const weights = zoneWeights(spread, client, { 'north/a': 2, 'north/b': 1, 'north/c': 1 })
  assert.deepEqual(
    [...weights],
    [
      ['north/a', 5000],
      ['north/b', 5000],
    ],
  )
})

test('where nothing is in the zone of the client, every endpoint is alike', () => {
  const weights = zoneWeights(endpoints('north/b', 'north/b', 'north/c'), client, { 'north/a': 1 })
  assert.deepEqual(
    [...weights],
    [
      ['north/b', 2],
      ['north/c', 1],
    ],
  )
})

test('a client that nobody counts is alone', () => {
  const weights = zoneWeights(endpoints('north/a', 'north/b'), client, {})
  assert.deepEqual(
    [...weights],
    [
      ['north/a', 5000],
      ['north/b', 5000],
    ],
  )
})
