import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeMatcher } from './route-path.ts'

const match = (pattern: string, path: string) => routeMatcher(pattern)(path.split('/'))

test('a path fits its pattern part by part, and its named parts are decoded', () => {
  assert.deepEqual(match('/', '/'), {})
  assert.deepEqual(match('/books', '/books'), {})
  assert.deepEqual(match('/books/:isbn/edition', '/books/a%20b/edition'), { isbn: 'a b' })
  assert.deepEqual(match('/baskets/:id/lines/:isbn', '/baskets/1/lines/2'), { id: '1', isbn: '2' })
})

test('a path that is longer, shorter, another, empty in a named part or badly escaped does not fit', () => {
  for (const path of ['/books', '/books/', '/books/1/2', '/boots/1', '/books/%zz', '/Books/1'])
    assert.equal(match('/books/:isbn', path), undefined, path)
})
