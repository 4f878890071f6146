// The wire suite runs twice: over raw TCP handles, and (WEFT_TRANSPORT=socket, see scripts/test.ts) over net.Socket.
import assert from 'node:assert/strict'
import type { Net } from '@weft/core'
import { chooseNet } from '@weft/core/node'

/** The network this run is about; a raw one that fails its self-test fails the suite, or nothing would test it. */
export async function netUnderTest(): Promise<Net> {
  const wish = process.env['WEFT_TRANSPORT'] === 'socket' ? 'socket' : 'auto'
  const { net, kind, reason } = await chooseNet(wish)
  assert.equal(kind, wish === 'socket' ? 'socket' : 'raw', reason)
  return net
}
