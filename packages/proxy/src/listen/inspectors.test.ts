import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientHello, tlsRecord } from '@weft/testkit'
import { inspectHttp } from './http-inspector.ts'
import { readClientHello } from './tls-client-hello.ts'

test('a ClientHello is recognised with its server name and protocols, however it is cut', () => {
  const hello = clientHello({ sni: 'Catalog.Bookstore', alpn: ['h2', 'http/1.1'] })
  for (let size = 0; size < hello.length; size++) {
    assert.equal(readClientHello(hello.subarray(0, size)).kind, 'incomplete', `${size} bytes`)
  }
  const expected = { kind: 'tls', sni: 'catalog.bookstore', alpn: ['h2', 'http/1.1'] }
  assert.deepEqual(readClientHello(hello), expected)
  const message = hello.subarray(5)
  const split = Buffer.concat([tlsRecord(22, message.subarray(0, 20)), tlsRecord(22, message.subarray(20))])
  assert.deepEqual(readClientHello(split), expected)
})

test('a ClientHello without extensions is TLS without a name', () => {
  const hello = clientHello({ alpn: [] })
  assert.deepEqual(readClientHello(hello), { kind: 'tls', sni: '', alpn: [] })
})

test('a ClientHello whose lengths lie is left to the handshake to refuse', () => {
  const hello = clientHello({ sni: 'a.b', alpn: [] })
  hello.writeUInt8(255, 5 + 4 + 2 + 32)
  assert.deepEqual(readClientHello(hello), { kind: 'tls', sni: '', alpn: [] })
})

test('plaintext is not TLS', () => {
  assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')).kind, 'not-tls')
  assert.equal(readClientHello(Buffer.from([22, 9, 9, 0, 0])).kind, 'not-tls')
})

test('HTTP requests are recognised once their first line is complete', () => {
  const line = 'M-SEARCH * HTTP/1.1\r\n'
  for (let size = 1; size < line.length; size++) {
    assert.equal(inspectHttp(Buffer.from(line.slice(0, size))), 'incomplete', line.slice(0, size))
  }
  assert.equal(inspectHttp(Buffer.from(line)), 'http/1.1')
  assert.equal(inspectHttp(Buffer.from('GET / HTTP/1.0\n')), 'http/1.0')
  assert.equal(inspectHttp(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')), 'h2c')
  assert.equal(inspectHttp(Buffer.from('PRI * HT')), 'incomplete')
})

test('line protocols and binary are not HTTP', () => {
  assert.equal(inspectHttp(Buffer.from('RESERVE isbn-1 3\n')), 'not-http')
  assert.equal(inspectHttp(Buffer.from('PING\r\n')), 'not-http')
  assert.equal(inspectHttp(Buffer.from([0, 1, 2])), 'not-http')
  assert.equal(inspectHttp(Buffer.from('GET /\x00')), 'not-http')
  assert.equal(inspectHttp(Buffer.from(`GET /${'a'.repeat(9_000)}`)), 'not-http')
})
