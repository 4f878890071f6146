import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteQueue } from './byte-queue.ts'
import { defaultH2Options } from './h2-options.ts'

test('bytes come out as they went in, whatever pieces they are pushed and dropped in', () => {
  const step = fc.oneof(fc.uint8Array({ maxLength: 2_000 }), fc.nat({ max: 3_000 }), fc.constant('clear' as const))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const queue = new ByteQueue()
      let model = Buffer.alloc(0)
      for (const each of steps) {
        if (each === 'clear') {
          queue.clear()
          model = Buffer.alloc(0)
        } else if (typeof each === 'number') {
          if (queue.bytes === 0) continue
          const count = Math.min(each, queue.firstEnd - queue.firstStart)
          const { first, firstStart } = queue
          assert.deepEqual(first.subarray(firstStart, firstStart + count), model.subarray(0, count))
          queue.drop(count)
          model = model.subarray(count)
        } else {
          const padded = Buffer.concat([Buffer.from('..'), each, Buffer.from('.')])
          queue.push(padded, 2, 2 + each.length)
          model = Buffer.concat([model, each])
        }
        assert.equal(queue.bytes, model.length)
      }
    }),
  )
})

test('what a largest window holds is kept in the same memory each time', () => {
  const chunksOf = (): Set<Buffer> => {
    const queue = new ByteQueue()
    const bytes = Buffer.alloc(16 * 1024)
    for (let at = 0; at < defaultH2Options.largestStreamWindowBytes; at += bytes.length)
      queue.push(bytes, 0, bytes.length)
    const seen = new Set<Buffer>()
    while (queue.bytes > 0) {
      seen.add(queue.first)
      queue.drop(queue.firstEnd - queue.firstStart)
    }
    return seen
  }
  const before = chunksOf()
  const fresh = [...chunksOf()].filter((chunk) => !before.has(chunk))
  assert.equal(fresh.length, 0)
})
