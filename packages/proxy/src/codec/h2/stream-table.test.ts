import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamTable } from './stream-table.ts'

test('whatever comes and goes, a table of streams answers as a map would, in the order of their numbers', () => {
  const id = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    // All in one slot, as a peer may choose them.
    fc.integer({ min: 1, max: 40 }).map((n) => n * 4096),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  )
  const step = fc.record({ id, comes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new StreamTable<{ readonly id: number }>()
      const map = new Map<number, { readonly id: number }>()
      for (const { id, comes } of steps) {
        if (!comes) {
          table.delete(id)
          map.delete(id)
        } else if (!map.has(id)) {
          const stream = { id }
          table.add(stream)
          map.set(id, stream)
        }
        assert.equal(table.get(id), map.get(id))
        assert.equal(table.size, map.size)
      }
      for (const [known, stream] of map) assert.equal(table.get(known), stream)
      assert.deepEqual(
        table.all(),
        [...map.values()].sort((a, b) => a.id - b.id),
      )
    }),
  )
})

test('streams that follow each other for long find their slots again, and all of them are told of an end', () => {
  const table = new StreamTable<{ readonly id: number }>()
  const kept = { id: 1 }
  table.add(kept)
  for (let id = 3; id < 100_000; id += 2) {
    table.add({ id })
    if (id > 200) table.delete(id - 128)
  }
  assert.equal(table.get(1), kept)
  assert.equal(table.all().length, table.size)
  for (const { id } of table.all()) table.delete(id)
  assert.equal(table.size, 0)
  assert.equal(table.get(1), undefined)
})
