import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, contentHash, sha256 } from './content-hash.ts'

test('sha256 agrees with the platform for every length around the block size and for random bytes', () => {
  const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  for (let length = 0; length < 200; length++) {
    const bytes = new Uint8Array(length).fill(length)
    assert.equal(sha256(bytes), expected(bytes))
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => sha256(bytes) === expected(bytes)))
})

test('canonical JSON is JSON of the same value, whatever the order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
  assert.equal(contentHash({ a: 1, b: { c: [1, 2], d: undefined } }), contentHash({ b: { c: [1, 2] }, a: 1 }))
  assert.notEqual(contentHash({ a: 1 }), contentHash({ a: '1' }))
  assert.match(contentHash({}), /^[0-9a-f]{32}$/)
})
