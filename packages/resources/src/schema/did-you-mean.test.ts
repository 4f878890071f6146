import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean } from './did-you-mean.ts'

test('a slip finds what was meant, anything else finds nothing', () => {
  const known = ['timeout', 'retries', 'route', 'match']
  assert.equal(didYouMean('timout', known), 'timeout')
  assert.equal(didYouMean('retires', known), 'retries')
  assert.equal(didYouMean('Route', known), 'route')
  assert.equal(didYouMean('banana', known), undefined)
  assert.equal(didYouMean('x'.repeat(100_000), known), undefined)
})
