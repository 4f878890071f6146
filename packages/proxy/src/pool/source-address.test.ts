import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceAddressTo } from './source-address.ts'

test('a mesh address of loopback is the source for loopback only; any other address is always', () => {
  for (const [destination, bound, source] of [
    ['127.66.0.2', '127.66.0.1', '127.66.0.1'],
    ['::1', '127.66.0.1', '127.66.0.1'],
    ['192.0.2.7', '127.66.0.1', undefined],
    ['fd00::7', '::1', undefined],
    ['192.0.2.7', '192.0.2.1', '192.0.2.1'],
    ['192.0.2.7', '0.0.0.0', '0.0.0.0'],
    ['db.example', '127.66.0.1', '127.66.0.1'],
    ['127.66.0.2', undefined, undefined],
  ] as const)
    assert.equal(sourceAddressTo(destination, bound), source, `${destination} from ${bound}`)
})
