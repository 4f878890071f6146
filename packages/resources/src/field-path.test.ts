import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldPath, splitFieldPath } from './field-path.ts'

test('a path reads as people write it', () => {
  assert.equal(
    fieldPath(['spec', 'http', 0, 'match', 1, 'headers', 'x-user']),
    'spec.http[0].match[1].headers["x-user"]',
  )
  assert.deepEqual(splitFieldPath('metadata.labels["app.kubernetes.io/name"]'), [
    'metadata',
    'labels',
    'app.kubernetes.io/name',
  ])
})

test('every path can be read back', () => {
  const step = fc.oneof(fc.string(), fc.nat())
  fc.assert(fc.property(fc.array(step), (steps) => assert.deepEqual(splitFieldPath(fieldPath(steps)), steps)))
})

test('text that is not a path yields what came before the fault', () => {
  assert.deepEqual(splitFieldPath('spec.http[x].y'), ['spec', 'http'])
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(splitFieldPath(text))))
})
