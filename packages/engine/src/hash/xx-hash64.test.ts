import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexOf, remainder, xxHash64 } from './xx-hash64.ts'

/** By the reference implementation of xxHash. */
const known: readonly (readonly [text: string, seed: number, hash: string])[] = [
  ['', 0, 'ef46db3751d8e999'],
  ['a', 0, 'd24ec4f1a98c6e5b'],
  ['abc', 0, '44bc2cf5ad770999'],
  ['Nobody inspects the spammish repetition', 0, 'fbcea83c8a378bf1'],
]

for (const [text, seed, hash] of known) {
  test(`xxHash64 of ${JSON.stringify(text)} is ${hash}`, () =>
    assert.equal(hexOf(xxHash64(text, { hi: 0, lo: seed })), hash))
}

test('every length, and a seed, gives another hash', () => {
  const hashes = Array.from({ length: 100 }, (_, length) => hexOf(xxHash64('x'.repeat(length))))
  const seeded = Array.from({ length: 100 }, (_, length) => hexOf(xxHash64('x'.repeat(length), { hi: 0, lo: 1 })))
  assert.equal(new Set([...hashes, ...seeded]).size, 200)
})

test('a remainder is that of the whole number', () => {
  const hash = xxHash64('abc')
  for (const divisor of [2, 100, 65_537, 1_999_993]) {
    assert.equal(remainder(hash, divisor), Number(BigInt(`0x${hexOf(hash)}`) % BigInt(divisor)))
  }
})
