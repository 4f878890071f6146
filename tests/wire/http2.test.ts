import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { constants } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { atRest } from '@weft/testkit/at-rest'
import { once } from '@weft/testkit/once'
import { ask, explicitHttp2, h2Backend, h2Client } from './http2-ends.ts'
import {
  everythingTo,
  httpListener,
  httpOptions,
  type JsonConfig,
  proxyFor,
  staticCluster,
} from './proxy-under-test.ts'
import { answering, converse, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const toHttp2 = (port: number, listener = {}, action = {}, options = {}): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b', action), listener)],
  clusters: [staticCluster('b', [port], httpOptions({ ...explicitHttp2, ...options }))],
})

const toHttp1 = (port: number, listener = {}, more = {}): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b'), listener)],
  clusters: [staticCluster('b', [port], more)],
})

/** What the control plane gives a route without `retries` of its own. */
const meshDefault = { retryPolicy: { retryOn: 'connect-failure,refused-stream', numRetries: 2 } }

test('one listener speaks HTTP/2 by prior knowledge and HTTP/1.1, as its codec_type says', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  t.after(() => backend.close())
  const auto = await proxyFor(t, toHttp1(backend.port))
  const client = h2Client(t, auto.portOf('in'))
  const { status, body, headers } = await ask(client, { ':path': '/a', cookie: 'x=1', 'x-a': 'b' })
  assert.deepEqual([status, body, headers['server']], [200, 'ok', 'envoy'])
  assert.equal(auto.exchanges[0]?.protocol, 'HTTP/2')
  assert.equal((await ask(client, { ':path': '/again' })).body, 'ok', 'a request without a body on a kept connection')
  assert.equal(backend.connections, 1)
  const text = await converse(auto.portOf('in'), ['GET / HT', 'TP/1.1\r\nHost: s\r\n\r\n'], (seen) =>
    seen.endsWith('ok'),
  )
  assert.match(text, /^HTTP\/1\.1 200 OK/)
  const byByte = 'PROPFIND / HTTP/1.1\r\nHost: s\r\n\r\n'.split('')
  assert.match(await converse(auto.portOf('in'), byByte, (seen) => seen.endsWith('ok')), /^HTTP\/1\.1 200 OK/)

  const only2 = await proxyFor(t, toHttp1(backend.port, { codecType: 'HTTP2' }))
  assert.equal((await ask(h2Client(t, only2.portOf('in')), { ':path': '/' })).status, 200)
  assert.equal(await converse(only2.portOf('in'), ['GET / HTTP/1.1\r\nHost: s\r\n\r\n']), '')

  const only1 = await proxyFor(t, toHttp1(backend.port, { codecType: 'HTTP1' }))
  assert.match(await converse(only1.portOf('in'), ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']), /^HTTP\/1\.1 (?:400|505) /)
})

test('HTTP/2 to HTTP/1.1: authority becomes host, cookies are one line, a body without length comes in chunks', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (!text.endsWith('\r\n0\r\n\r\n') && !text.startsWith('GET')) return
    socket.write(
      'HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    )
  })
  t.after(() => backend.close())
  const proxy = await proxyFor(t, toHttp1(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const answer = await ask(
    client,
    {
      ':method': 'PUT',
      ':path': '/x?y',
      ':authority': 'shop',
      cookie: ['a=1', 'b=2'] as unknown as string,
      te: 'trailers',
    },
    'body',
  )
  assert.deepEqual([answer.status, answer.body, answer.headers.connection], [201, 'ok', undefined])
  const received = backend.received[0] ?? ''
  assert.match(received, /^PUT \/x\?y HTTP\/1\.1\r\nhost: shop\r\n/)
  assert.match(received, /\r\ncookie: a=1; b=2\r\n/)
  assert.match(received, /\r\nte: trailers\r\n/)
  assert.match(received, /transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n$/)
  assert.doesNotMatch(received, /^:/m)
})

test('HTTP/1.1 to HTTP/2: host becomes authority, connection headers stay behind, trailers end what was chunked', async (t) => {
  const backend = await h2Backend(t, (stream) => {
    stream.resume()
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-b': 'c' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }))
      stream.end('hello')
    })
  })
  const proxy = await proxyFor(t, toHttp2(backend.port, { httpProtocolOptions: { enableTrailers: true } }))
  const request =
    'POST /p HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  const text = await converse(proxy.portOf('in'), [request], (seen) => seen.includes('x-sum: 7\r\n\r\n'))
  assert.match(text, /^HTTP\/1\.1 200 OK\r\nx-b: c\r\n/)
  assert.match(text, /transfer-encoding: chunked\r\n/)
  assert.match(text, /5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n$/)
  const headers = backend.requests[0] ?? {}
  assert.equal(headers[':authority'], 'shop')
  assert.equal(headers[':scheme'], 'http')
  for (const name of ['host', 'x-hop', 'keep-alive', 'connection', 'transfer-encoding']) {
    assert.equal(headers[name], undefined, name)
  }
})

test('HTTP/2 on both sides: bodies, trailers, 1xx, HEAD, 204 and 304', async (t) => {
  const backend = await h2Backend(t, (stream, headers) => {
    const path = headers[':path']
    if (path === '/204') return stream.respond({ ':status': 204 }, { endStream: true })
    if (path === '/304') return stream.respond({ ':status': 304, 'content-length': '5' }, { endStream: true })
    if (path === '/103') stream.additionalHeaders({ ':status': 103, link: '</a>' })
    if (headers[':method'] === 'HEAD')
      return stream.respond({ ':status': 200, 'content-length': '9' }, { endStream: true })
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': path }))
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const large = 'x'.repeat(300_000)
  const echoed = await ask(client, { ':path': '/large', ':method': 'POST' }, large)
  assert.deepEqual([echoed.body.length, echoed.trailers['x-end'], echoed.reset], [large.length, '/large', 0])
  assert.deepEqual((await ask(client, { ':path': '/103' })).informational, [103])
  const head = await ask(client, { ':path': '/h', ':method': 'HEAD' })
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '9', ''])
  assert.equal((await ask(client, { ':path': '/204' })).status, 204)
  assert.equal((await ask(client, { ':path': '/304' })).status, 304)
  assert.equal(backend.connections, 1)
  const [first] = proxy.exchanges
  assert.deepEqual(
    [first?.bytesReceived, first?.bytesSent, first?.details],
    [large.length, large.length, 'via_upstream'],
  )
})

test('many requests at once share one dial and one connection', async (t) => {
  const backend = await h2Backend(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }))
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const answers = await Promise.all(Array.from({ length: 80 }, (_, at) => ask(client, { ':path': `/${at}` })))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  assert.equal(backend.connections, 1)
})

test('when its streams are used up a second connection is made, and the limits of the cluster hold', async (t) => {
  let open = 0
  let most = 0
  let holds = false
  const held: (() => void)[] = []
  const release = (): void => {
    holds = false
    for (const answer of held.splice(0)) answer()
  }
  const backend = await h2Backend(
    t,
    (stream) => {
      most = Math.max(most, ++open)
      held.push(() => {
        open--
        stream.respond({ ':status': 200 }, { endStream: true })
      })
      // More than one connection can carry: they were all under way at once.
      if (!holds || most > 4) release()
    },
    { settings: { maxConcurrentStreams: 4 } },
  )
  // A second connection's limit is not known before its SETTINGS: what went beyond it is refused and repeated.
  const patient = { circuitBreakers: { thresholds: [{ maxRetries: 100 }] } }
  const base = toHttp2(backend.port, {}, meshDefault)
  const proxy = await proxyFor(t, { ...base, clusters: [{ ...base.clusters?.[0], ...patient }] })
  const client = h2Client(t, proxy.portOf('in'))
  await ask(client, { ':path': '/first' })
  holds = true
  const twelve = Array.from({ length: 12 }, (_, at) => ask(client, { ':path': `/${at}` }))
  await until(() => most > 4, 'more are under way than one connection carries')
  const answers = await Promise.all(twelve)
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  assert.ok(backend.connections >= 2 && backend.connections <= 4, String(backend.connections))

  const config = toHttp2(backend.port)
  const breakers = { circuitBreakers: { thresholds: [{ maxRequests: 3 }] } }
  const limited = await proxyFor(t, { ...config, clusters: [{ ...config.clusters?.[0], ...breakers }] })
  const other = h2Client(t, limited.portOf('in'))
  most = 0
  holds = true
  const six = Array.from({ length: 6 }, (_, at) => ask(other, { ':path': `/${at}` }))
  await until(() => held.length === 3 && limited.exchanges.length === 3, 'three are under way, three were turned away')
  release()
  const mixed = await Promise.all(six)
  assert.deepEqual(mixed.map(({ status }) => status).sort(), [200, 200, 200, 503, 503, 503])
  assert.equal(limited.exchanges.filter(({ flags }) => flags === 'UO').length, 3)
})

test('a connection carries max_requests_per_connection requests, each answered', async (t) => {
  const backend = await h2Backend(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }))
  const proxy = await proxyFor(
    t,
    toHttp2(backend.port, {}, {}, { commonHttpProtocolOptions: { maxRequestsPerConnection: 3 } }),
  )
  const client = h2Client(t, proxy.portOf('in'))
  for (let at = 0; at < 7; at++) assert.equal((await ask(client, { ':path': `/${at}` })).status, 200)
  assert.equal(backend.connections, 3)
})

test('a refused stream is sent again, whatever its method; another reset is not, unless the policy says so', async (t) => {
  const backend = await h2Backend(t, (stream, headers, index) => {
    if (headers[':path'] === '/refused' && index === 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM)
    if (headers[':path'] === '/reset') return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const proxy = await proxyFor(t, toHttp2(backend.port, {}, meshDefault))
  const client = h2Client(t, proxy.portOf('in'))
  const answer = await ask(client, { ':path': '/refused', ':method': 'POST' }, 'body')
  assert.deepEqual([answer.status, answer.body], [200, 'body'])
  assert.equal(proxy.exchanges[0]?.attempts, 2)
  const reset = await ask(client, { ':path': '/reset', ':method': 'POST' }, 'body')
  assert.deepEqual([reset.status, proxy.exchanges[1]?.flags, proxy.exchanges[1]?.attempts], [503, 'UR', 1])
  assert.equal(proxy.exchanges[1]?.details, 'upstream_reset_before_response_started{remote_reset}')
  const retrying = await proxyFor(t, toHttp2(backend.port, {}, { retryPolicy: { retryOn: 'reset', numRetries: 2 } }))
  assert.equal((await ask(h2Client(t, retrying.portOf('in')), { ':path': '/reset' })).status, 503)
  assert.deepEqual([retrying.exchanges[0]?.attempts, retrying.exchanges[0]?.flags], [3, 'URX,UR'])
})

test('a server that goes away loses nothing: what it has not seen goes to its next connection', async (t) => {
  const backend = await h2Backend(t, (stream, headers) => {
    if (headers[':path'] === '/last') stream.session?.close()
    setTimeout(() => stream.respond({ ':status': 200 }, { endStream: true }), 20)
  })
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const answers = [ask(client, { ':path': '/a' }), ask(client, { ':path': '/last' })]
  await until(() => backend.requests.length === 2, 'the server has both')
  answers.push(...Array.from({ length: 5 }, (_, at) => ask(client, { ':path': `/${at}` })))
  assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]))
  assert.equal(backend.connections, 2)
})

test('an answer cut off is reset downstream; a client that resets ends its upstream exchange', async (t) => {
  let reset = 0
  const backend = await h2Backend(t, (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.write('part')
    stream.on('close', () => reset++)
    if (headers[':path'] === '/cut') setTimeout(() => stream.destroy(new Error('cut')), 20)
  })
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const cut = await ask(client, { ':path': '/cut' })
  assert.deepEqual([cut.status, cut.body, cut.reset !== 0], [200, 'part', true])
  assert.equal(proxy.exchanges[0]?.flags, 'UR')
  const stream = client.request({ ':path': '/wait' })
  stream.on('error', () => {})
  await once(stream, 'response')
  reset = 0
  stream.close(constants.NGHTTP2_CANCEL)
  await until(() => reset === 1 && proxy.exchanges.length === 2, 'the upstream stream is gone')
  assert.equal(proxy.exchanges[1]?.flags, 'DR')
  assert.equal((await ask(client, { ':path': '/cut' })).status, 200, 'the connection goes on')
  assert.equal(backend.connections, 1)
})

test('timeouts and retries with bodies work the same', async (t) => {
  const backend = await h2Backend(t, (stream, headers, index) => {
    if (headers[':path'] === '/slow') return
    if (headers[':path'] === '/try' && index < 2) return
    if (index < 4 && headers[':path'] === '/again') return stream.respond({ ':status': 503 }, { endStream: true })
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const slow = await proxyFor(t, toHttp2(backend.port, {}, { timeout: '0.1s' }))
  const late = await ask(h2Client(t, slow.portOf('in')), { ':path': '/slow' })
  assert.deepEqual([late.status, slow.exchanges[0]?.flags], [504, 'UT'])
  const policy = { retryOn: '5xx', numRetries: 3, perTryTimeout: '0.1s' }
  const trying = await proxyFor(t, toHttp2(backend.port, {}, { retryPolicy: policy }))
  const client = h2Client(t, trying.portOf('in'))
  const tried = await ask(client, { ':path': '/try', ':method': 'PUT' }, 'again')
  assert.deepEqual([tried.status, tried.body, trying.exchanges[0]?.attempts], [200, 'again', 2])
  const again = await ask(client, { ':path': '/again', ':method': 'PUT' }, 'twice')
  assert.deepEqual([again.status, again.body], [200, 'twice'])
})

test('a slow reader holds back its own stream only, and little of it', async (t) => {
  let written = 0
  const piece = Buffer.alloc(64 * 1024, 'x')
  const backend = await h2Backend(t, (stream, headers) => {
    stream.respond({ ':status': 200 })
    if (headers[':path'] !== '/large') return void stream.end('quick')
    const more = (): void => {
      while (written < 16 * 1024 * 1024) {
        written += piece.length
        if (!stream.write(piece)) return void stream.once('drain', more)
      }
      stream.end()
    }
    more()
  })
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const large = client.request({ ':path': '/large' })
  await once(large, 'response')
  await atRest(() => written, 'what the backend writes')
  assert.equal((await ask(client, { ':path': '/quick' })).body, 'quick')
  assert.ok(written < 8 * 1024 * 1024, `held back after ${written}`)
  let received = 0
  for await (const chunk of large) received += (chunk as Buffer).length
  assert.equal(received, 16 * 1024 * 1024)
})

test('draining says GOAWAY, and what is under way is answered', async (t) => {
  const backend = await h2Backend(t, (stream) => {
    setTimeout(() => stream.respond({ ':status': 200 }, { endStream: true }), 100)
  })
  const proxy = await proxyFor(t, toHttp2(backend.port))
  const client = h2Client(t, proxy.portOf('in'))
  const answer = ask(client, { ':path': '/' })
  await until(() => backend.requests.length === 1, 'the request is under way')
  const goaway = once(client, 'goaway')
  proxy.apply({})
  await goaway
  assert.equal((await answer).status, 200)
  await until(() => proxy.openConnections() === 0, 'the connection is gone')
})

test('use_downstream_protocol_config speaks to the server as the client speaks', async (t) => {
  const backend = createServer((request, response) => response.end(request.httpVersion)).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  t.after(() => {
    backend.closeAllConnections()
    backend.close()
  })
  const { port } = backend.address() as AddressInfo
  const options = httpOptions({ useDownstreamProtocolConfig: { http2ProtocolOptions: {} } })
  const proxy = await proxyFor(t, toHttp1(port, {}, options))
  const text = await converse(proxy.portOf('in'), ['GET / HTTP/1.1\r\nHost: s\r\n\r\n'], (seen) =>
    /\r\n\r\n.*1\.1/s.test(seen),
  )
  assert.match(text, /^HTTP\/1\.1 200 /)
  const two = await h2Backend(t, (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('two')
  })
  proxy.apply(toHttp1(two.port, {}, options))
  assert.equal((await ask(h2Client(t, proxy.portOf('in')), { ':path': '/' })).body, 'two')
})

test('malformed heads never become requests, and heads over the limits are reset', async (t) => {
  const backend = await h2Backend(t, (stream) => stream.respond({ ':status': 200 }, { endStream: true }))
  const lenient = { http2ProtocolOptions: { overrideStreamErrorOnInvalidHttpMessage: true } }
  const proxy = await proxyFor(t, toHttp2(backend.port, lenient))
  const client = h2Client(t, proxy.portOf('in'))
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, 'v']))
  assert.equal((await ask(client, { ':path': '/', ...many })).reset, constants.NGHTTP2_INTERNAL_ERROR)
  assert.equal((await ask(client, { ':path': '/..%2f', ':authority': 'a b' })).reset, constants.NGHTTP2_PROTOCOL_ERROR)
  assert.equal((await ask(client, { ':path': '/' })).status, 200)
  assert.equal(backend.requests.length, 1)
  const strict = await proxyFor(t, toHttp2(backend.port))
  const other = h2Client(t, strict.portOf('in'))
  assert.equal((await ask(other, { ':path': '/', ':authority': 'a b' })).status, 0)
  await until(() => other.destroyed, 'the connection is gone')
  assert.equal(backend.requests.length, 1)
})
