import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { Listener } from '@weft/engine'
import { keptForRepetition, RequestBody } from './request-body.ts'
import type { RoutePlan } from './route-plan.ts'

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

test('a body is kept up to its limit, and counts more than its bytes when it comes in crumbs', () => {
  const fits = new RequestBody('unknown')
  fits.repeatBytes = 1 << 20
  for (let at = 0; at < 4_000; at++) fits.keep(everyByte, 0, 128)
  fits.taken(true)
  assert.ok(fits.replayable)
  const crumbs = new RequestBody('unknown')
  crumbs.repeatBytes = 1 << 20
  for (let at = 0; at < 500_000 && crumbs.replayable; at++) {
    crumbs.keep(everyByte, 0, 2)
    crumbs.taken(true)
  }
  assert.ok(crumbs.outgrown)
  assert.deepEqual(crumbs.pieces, [])
})

test('how much is kept: what the listener says, unless the route says it; less where only what nobody has seen is repeated', () => {
  const listener = { bufferLimitBytes: 100 } as Listener
  const plan = (requestBufferLimitBytes?: number, repeatsUnseen = false) =>
    ({ routed: { route: { requestBufferLimitBytes } }, repeatsUnseen }) as RoutePlan
  assert.equal(keptForRepetition(listener, undefined), 100)
  assert.equal(keptForRepetition(listener, plan()), 100)
  assert.equal(keptForRepetition(listener, plan(7)), 7)
  assert.equal(keptForRepetition(listener, plan(0)), 0)
  assert.equal(keptForRepetition(listener, plan(1 << 20)), 1 << 20)
  assert.equal(keptForRepetition(listener, plan(1 << 20, true)), 64 * 1024)
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
