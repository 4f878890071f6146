import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { RequestBody } from './request-body.ts'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

test('what is kept of a body comes back byte by byte, in pieces short and long', () => {
  const body = new RequestBody('unknown')
  const long = Buffer.concat(Array.from({ length: 20 }, () => everyByte))
  const shared = Buffer.concat([Buffer.from('before'), everyByte, Buffer.from('behind')])
  body.keep(shared, 6, 6 + everyByte.length)
  body.keep(long, 0, long.length)
  shared.fill(0)
  const kept = body.pieces.map((piece) => Buffer.from(piece))
  long.fill(0)
  assert.deepEqual(kept[0], everyByte)
  assert.equal(body.pieces[1]?.length, 20 * 256)
  assert.deepEqual(Buffer.concat(kept).subarray(256), Buffer.concat(Array.from({ length: 20 }, () => everyByte)))
  assert.deepEqual(body.pieces[1]?.subarray(0, 256), everyByte)
})

test('a body that was let go is not replayed, and keeps nothing any more', () => {
  const body = new RequestBody('length')
  body.keep(everyByte, 0, 256)
  body.taken(true)
  assert.ok(body.replayable)
  assert.equal(body.pieces.length, 1)
  body.taken(false)
  assert.ok(!body.replayable)
  body.keep(everyByte, 0, 256)
  assert.deepEqual(body.pieces, [])
})
