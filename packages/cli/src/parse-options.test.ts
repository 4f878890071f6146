import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNameServer, parseTrustDomain } from './parse-options.ts'

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

test('a trust domain is one that SPIFFE allows, bare or in an id', () => {
  assert.equal(parseTrustDomain('corp.example'), 'corp.example')
  assert.equal(parseTrustDomain('spiffe://corp.example'), 'corp.example')
  for (const text of ['', 'Corp.example', 'corp example', 'https://corp.example', 'corp.example:443']) {
    assert.throws(() => parseTrustDomain(text), /no SPIFFE trust domain: .*cluster\.local/, text)
  }
})
