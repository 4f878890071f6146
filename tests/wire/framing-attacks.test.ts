import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering, converse, type RawBackend } from './raw-http.ts'

let backend: RawBackend
let proxy: ProxyUnderTest

before(async () => {
  backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'), { maxRequestHeadersKb: 8 })],
    clusters: [staticCluster('b', [backend.port])],
  })
})

after(async () => {
  await proxy.close()
  await backend.close()
})

const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\nHost: s\r\n${headers}\r\n${body}`

/** Each is answered with this status and the connection ends; nothing of it reaches the backend as a second request. */
const attacks: readonly (readonly [name: string, bytes: string, status: number])[] = [
  [
    'both Content-Length and Transfer-Encoding',
    post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG'),
    400,
  ],
  [
    'Transfer-Encoding before Content-Length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\nG'),
    400,
  ],
  ['two different Content-Lengths', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab'), 400],
  ['two equal Content-Lengths', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'a'), 400],
  ['a list in Content-Length', post('Content-Length: 1, 1\r\n', 'a'), 400],
  ['a signed Content-Length', post('Content-Length: +1\r\n', 'a'), 400],
  ['a negative Content-Length', post('Content-Length: -1\r\n', 'a'), 400],
  ['a hexadecimal Content-Length', post('Content-Length: 0x1\r\n', 'a'), 400],
  ['an empty Content-Length', post('Content-Length: \r\n', 'a'), 400],
  ['a Content-Length beyond all numbers', post('Content-Length: 99999999999999999999\r\n', 'a'), 400],
  ['an unknown coding', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501],
  ['chunked with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), 400],
  ['a bare LF after the request line', 'GET / HTTP/1.1\nHost: s\r\n\r\n', 400],
  ['a bare LF after a header', 'GET / HTTP/1.1\r\nHost: s\nX: 1\r\n\r\n', 400],
  ['a bare LF as the empty line', 'GET / HTTP/1.1\r\nHost: s\r\n\n', 400],
  ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: s\r\nX: a\rb\r\n\r\n', 400],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: s\r\nX: a\r\n b\r\n\r\n', 400],
  ['a fold before the first header', 'GET / HTTP/1.1\r\n Host: s\r\n\r\n', 400],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : s\r\n\r\n', 400],
  ['a space before the colon of a length', post('Content-Length : 1\r\n', 'a'), 400],
  ['a tab before the colon', 'GET / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding\t: chunked\r\n\r\n', 400],
  ['a header without a name', 'GET / HTTP/1.1\r\nHost: s\r\n: x\r\n\r\n', 400],
  ['a header without a colon', 'GET / HTTP/1.1\r\nHost: s\r\nnonsense\r\n\r\n', 400],
  ['NUL in a value', 'GET / HTTP/1.1\r\nHost: s\r\nX: a\0b\r\n\r\n', 400],
  ['NUL in the target', 'GET /a\0b HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['a fragment in the target', 'GET /a#b HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['two spaces in the request line', 'GET  / HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['a method with a slash', 'GE/T / HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['a method without an end', `${'G'.repeat(40)} / HTTP/1.1\r\nHost: s\r\n\r\n`, 400],
  ['a request line of one word', 'GET\r\nHost: s\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n', 400],
  ['HTTP/2.0 as a version', 'GET / HTTP/2.0\r\nHost: s\r\n\r\n', 505],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: s\r\n\r\n', 505],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['a Host with user information', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['a target that is a word', 'GET books HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['an absolute target with another scheme', 'GET ftp://a/b HTTP/1.1\r\nHost: s\r\n\r\n', 400],
  ['a head beyond the limit', `GET / HTTP/1.1\r\nHost: s\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, 431],
  ['more headers than allowed', `GET / HTTP/1.1\r\nHost: s\r\n${'X: 1\r\n'.repeat(120)}\r\n`, 431],
]

for (const [name, bytes, status] of attacks) {
  test(`${name} is refused with ${status}, wherever the bytes are cut`, async () => {
    const before = backend.received.join('').length
    const cuts =
      bytes.length > 400 ? [1, 200, bytes.length - 3] : Array.from({ length: bytes.length - 1 }, (_, at) => at + 1)
    const whole = converse(proxy.portOf('in'), [bytes])
    const pieces = cuts.map((cut) => converse(proxy.portOf('in'), [bytes.slice(0, cut), bytes.slice(cut)]))
    for (const answer of await Promise.all([whole, ...pieces])) {
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*?connection: close\r\n`), name)
      assert.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer only')
    }
    assert.equal(backend.received.join('').length, before, 'nothing reached the backend')
  })
}

/** The head is good, so the backend may see it; the body is not, so it must never see a whole request. */
const bodyAttacks: readonly (readonly [name: string, body: string])[] = [
  ['a chunk size that is no number', 'zz\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with a sign', '+3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with 0x', '0x3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size beyond all numbers', 'FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size line with a bare LF', '3\nabc\r\n0\r\n\r\n'],
  ['a chunk without its CRLF', '3\r\nabcd\r\n0\r\n\r\n'],
  ['a chunk ended by a bare LF', '3\r\nabc\n0\r\n\r\n'],
  ['a chunk extension with a bare LF', '3;a\nb\r\nabc\r\n0\r\n\r\n'],
  ['a chunk extension with a bare CR', '3;a\rb\r\nabc\r\n0\r\n\r\n'],
  ['a chunk extension of 2 kB', `3;${'x'.repeat(2000)}\r\nabc\r\n0\r\n\r\n`],
  ['chunk extensions of 20 kB together', `${`1;${'x'.repeat(900)}\r\na\r\n`.repeat(24)}0\r\n\r\n`],
  ['a trailer with a bare LF', '0\r\nX: 1\n\r\n'],
  ['a trailer without a colon', '0\r\nnonsense\r\n\r\n'],
  ['trailers of 20 kB', `0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
]

for (const [name, body] of bodyAttacks) {
  test(`${name} ends the exchange, wherever the bytes are cut`, async () => {
    const head = 'POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n'
    const seenBefore = backend.received.length
    const cuts =
      body.length > 400 ? [1, 300, body.length - 3] : Array.from({ length: body.length - 1 }, (_, at) => at + 1)
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n'
    const whole = converse(proxy.portOf('in'), [head + body + smuggled])
    const pieces = cuts.map((cut) =>
      converse(proxy.portOf('in'), [head + body.slice(0, cut), body.slice(cut) + smuggled]),
    )
    for (const answer of await Promise.all([whole, ...pieces])) {
      // The backend answers as soon as it has a head, so a good answer may be on its way already: then it is cut off.
      assert.ok(answer === '' || /^HTTP\/1\.1 (400|200) /.test(answer), answer.slice(0, 80))
    }
    const reached = backend.received.slice(seenBefore).join('')
    assert.doesNotMatch(reached, /0\r\n\r\n$/, 'no body was completed')
    assert.doesNotMatch(reached, /smuggled/)
  })
}
