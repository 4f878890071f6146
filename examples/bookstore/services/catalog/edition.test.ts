import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { books, reviewsOf } from './books.ts'
import { editionBytes, editionChecksum, editionChunks } from './edition.ts'

test('an edition is some megabytes, as long and with the checksum as announced, and no two are alike', () => {
  const checksums = new Set<string>()
  for (const book of books.slice(0, 3)) {
    const hash = createHash('sha256')
    let bytes = 0
    for (const chunk of editionChunks(book)) {
      hash.update(chunk)
      bytes += chunk.length
    }
    assert.equal(bytes, editionBytes(book))
    assert.ok(bytes >= 3 * 1024 * 1024)
    assert.equal(hash.digest('hex'), editionChecksum(book))
    checksums.add(editionChecksum(book))
  }
  assert.equal(checksums.size, 3)
})

test('every ISBN has the right check digit', () => {
  for (const { isbn } of books) {
    let sum = 0
    for (let index = 0; index < isbn.length; index++) sum += Number(isbn[index]) * (index % 2 === 0 ? 1 : 3)
    assert.equal(sum % 10, 0, isbn)
  }
})

test('every book has two or three reviews of one to five stars', () => {
  for (const { isbn } of books) {
    const reviews = reviewsOf(isbn)
    assert.ok(reviews.length >= 2 && reviews.length <= 3)
    assert.ok(reviews.every(({ stars }) => stars >= 1 && stars <= 5))
  }
})
