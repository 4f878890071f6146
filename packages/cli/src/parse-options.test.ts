import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNameServer } from './parse-options.ts'

test('a name server is an address with or without a port', () => {
  for (const [text, address, port] of [
    ['127.0.0.1', '127.0.0.1', 53],
    ['127.0.0.1:5353', '127.0.0.1', 5353],
    ['::1', '::1', 53],
    ['[::1]:5353', '::1', 5353],
    ['[::1]', '::1', 53],
  ] as const) {
    assert.deepEqual(parseNameServer(text), [{ address, port }], text)
  }
  const first = parseNameServer('10.0.0.1')
  assert.deepEqual(
    parseNameServer('10.0.0.2', first).map(({ address }) => address),
    ['10.0.0.1', '10.0.0.2'],
  )
  for (const text of ['', 'ns.example', '127.0.0.1:', '127.0.0.1:70000', '[::1', '300.0.0.1']) {
    assert.throws(() => parseNameServer(text), /Write an IP address|A port is a number/, text)
  }
})
