import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointWeights } from './datagram-shares.ts'

test('the endpoints of a backend have its weight together, however many they are', () => {
  const backends = [
    { weight: 3, endpoints: 2 },
    { weight: 1, endpoints: 3 },
    { weight: 5, endpoints: 0 },
  ]
  assert.deepEqual(endpointWeights(backends), [9, 2, 0])
})

test('weights stay whole, at least 1, and within what proxies add up, as large as they may be written', () => {
  const backends = [7, 11, 13, 997, 1009].map((endpoints) => ({ weight: 1_000_000, endpoints }))
  const weights = endpointWeights(backends)
  const sums = weights.map((weight, index) => weight * (backends[index]?.endpoints ?? 0))
  assert.ok(weights.every((weight) => Number.isInteger(weight) && weight >= 1))
  assert.ok(sums.reduce((a, b) => a + b, 0) <= 4_294_967_295)
  const [least, most] = [Math.min(...sums), Math.max(...sums)]
  assert.ok(most / least < 1.001, `${least} to ${most}`)
  assert.deepEqual(
    endpointWeights([
      { weight: 1, endpoints: 5000 },
      { weight: 1_000_000, endpoints: 1 },
    ])[0],
    1,
  )
})
