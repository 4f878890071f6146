import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Transport } from '@weft/core'
import { transportPair } from './transport-pair.ts'

const ends = { localAddress: 'a', localPort: 1, remoteAddress: 'b', remotePort: 2 }

function listenTo(transport: Transport, resume = true): string[] {
  const seen: string[] = []
  transport.handler = {
    onData: (chunk) => seen.push(chunk.length > 10 ? `data ${chunk.length}` : `data ${chunk.toString()}`),
    onEnd: () => seen.push('end'),
    onDrain: () => seen.push('drain'),
    onClose: (close) => seen.push(`close ${close.reason}`),
  }
  if (resume) transport.resume()
  return seen
}

test('bytes and half-closes cross between the two ends, never inside the writer', async () => {
  const [a, b] = transportPair(ends, ends)
  const atA = listenTo(a)
  const atB = listenTo(b)
  a.writeLatin1('ping')
  a.end()
  assert.deepEqual(atB, [])
  await turn()
  assert.deepEqual(atB, ['data ping', 'end'])
  b.writeLatin1('pong')
  b.end()
  await turn()
  assert.deepEqual(atA, ['data pong', 'end', 'close closed'])
  assert.deepEqual(atB, ['data ping', 'end', 'close closed'])
})

test('a writer that runs ahead of a paused reader is told to wait, and woken once', async () => {
  const [a, b] = transportPair(ends, ends)
  const atA = listenTo(a)
  const atB = listenTo(b, false)
  assert.equal(a.write(Buffer.alloc(200_000)), true)
  assert.equal(a.write(Buffer.alloc(80_000)), false)
  await turn()
  assert.deepEqual(atB, [])
  assert.equal(a.queuedBytes, 280_000)
  b.resume()
  await turn()
  assert.deepEqual(atB, ['data 65536', 'data 65536', 'data 65536', 'data 65536', 'data 17856'])
  assert.deepEqual(atA, ['drain'])
})

test('many bytes cross together at the end of the turn, behind the few before them', async () => {
  const runs: (() => void)[] = []
  const [a, b] = transportPair(ends, ends, { soon: (run) => runs.push(run) })
  const atB = listenTo(b)
  a.writeLatin1('few')
  await turn()
  assert.deepEqual(atB, ['data few'])
  for (const size of [10, 16_384, 16_384, 16_384]) a.write(Buffer.alloc(size))
  assert.equal(runs.length, 1)
  for (const run of runs.splice(0)) run()
  await turn()
  assert.deepEqual(atB, ['data few', 'data 49162'])
})

test('a reset reaches the other end at once; a plain destroy looks like an end', async () => {
  const [a, b] = transportPair(ends, ends)
  const atB = listenTo(b)
  listenTo(a)
  a.destroy(true)
  await turn()
  assert.deepEqual(atB, ['close reset'])
  const [c, d] = transportPair(ends, ends)
  const atD = listenTo(d)
  listenTo(c)
  c.destroy()
  await turn()
  assert.deepEqual(atD, ['end'])
  d.writeLatin1('too late')
  await turn()
  assert.deepEqual(atD, ['end', 'close reset'])
})
