import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentValues } from './recent-values.ts'

test('what was used last stays, what nobody asked for the longest goes, and there are never more', () => {
  const values = new RecentValues<number>(3)
  for (const [at, key] of ['a', 'b', 'c'].entries()) values.set(key, at)
  assert.equal(values.get('a'), 0)
  values.set('d', 3)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => values.get(key)),
    [0, undefined, 2, 3],
  )
  values.get('a')
  for (let version = 0; version < 1000; version++) {
    values.set(`version ${version}`, version)
    assert.equal(values.get('a'), 0, 'what is in use stays however many versions pass')
    assert.ok(values.size <= 3)
  }
})
