import assert from 'node:assert/strict'
import { test } from 'node:test'
import { returnFreeMemory } from './return-free-memory.ts'

test('memory that nobody refers to is gone, and the collector is lent to nobody', async () => {
  const gone = new WeakRef(Array.from({ length: 100_000 }, (_, at) => ({ at })))
  // A reference that is looked at lives until the end of its job.
  await new Promise((resolve) => setImmediate(resolve))
  const before = process.memoryUsage().heapUsed
  returnFreeMemory()
  assert.equal(gone.deref(), undefined)
  assert.ok(process.memoryUsage().heapUsed < before)
  assert.equal(globalThis.gc, undefined)
})
