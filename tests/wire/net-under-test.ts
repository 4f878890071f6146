// The wire suite runs three times (WEFT_TRANSPORT, see scripts/test.ts): over raw TCP handles, over those when each turn of the event loop
// gathers, and over net.Socket.
import assert from 'node:assert/strict'
import type { Net } from '@weft/core'
import { chooseNet } from '@weft/core/node'

/** The network this run is about; a raw one that fails its self-test fails the suite, or nothing would test it. */
export async function netUnderTest(): Promise<Net> {
  const wish = process.env['WEFT_TRANSPORT'] ?? 'auto'
  assert.ok(
    wish === 'auto' || wish === 'gathered' || wish === 'socket',
    `WEFT_TRANSPORT is ${wish}, not auto, gathered or socket`,
  )
  const { net, kind, reason } = await chooseNet(wish)
  assert.equal(kind, wish === 'socket' ? 'socket' : 'raw', reason)
  return net
}
