import assert from 'node:assert/strict'
import { connect, createServer as createTcp } from 'node:net'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import {
  any,
  anyHost,
  everythingTo,
  httpListener,
  type JsonConfig,
  proxyFor,
  router,
  staticCluster,
} from './proxy-under-test.ts'
import { answering, converse, type RawBackend, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n${more}\r\n`
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

const simple = (backend: RawBackend, action: JsonObject = {}, cluster: JsonObject = {}): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b', action))],
  clusters: [staticCluster('b', [backend.port], cluster)],
})

/** What the control plane gives a route without `retries` of its own. */
const meshDefault = { retryPolicy: { retryOn: 'connect-failure,refused-stream', numRetries: 2 } }

async function closedPort(): Promise<number> {
  const server = createTcp().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test('a kept connection is used again: a hundred requests, one connection', async (t) => {
  const backend = await answering(ok)
  const proxy = await proxyFor(t, simple(backend), backend)
  const request = 'GET / HTTP/1.1\r\nHost: s\r\n\r\n'
  for (let at = 0; at < 5; at++)
    await converse(proxy.portOf('in'), [request.repeat(20)], (text) => text.split('ok').length > 20)
  assert.equal(backend.connections, 1)
  assert.equal(proxy.exchanges.length, 100)
})

test('retries are made as the policy says, counted at the backend', async (t) => {
  let requests = 0
  const backend = await answering(() => {
    requests++
    return requests < 3 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy' : ok
  })
  const retryPolicy = { retryOn: '5xx', numRetries: 2, retryBackOff: { baseInterval: '0.001s' } }
  const proxy = await proxyFor(t, simple(backend, { retryPolicy }), backend)
  assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 200 /)
  assert.equal(requests, 3)
  assert.equal(backend.connections, 1, 'answers that are thrown away keep their connection')
  assert.deepEqual([proxy.exchanges[0]?.attempts, proxy.exchanges[0]?.flags], [3, ''])
})

test('when retries run out the last answer goes on, flagged URX', async (t) => {
  const backend = await answering('HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy')
  const retryPolicy = { retryOn: '5xx', numRetries: 1, retryBackOff: { baseInterval: '0.001s' } }
  const proxy = await proxyFor(t, simple(backend, { retryPolicy }), backend)
  assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 503 Busy[^]*busy$/)
  assert.equal(proxy.exchanges[0]?.flags, 'URX')
})

test('a body is repeated with its request', async (t) => {
  const bodies: string[] = []
  const backend = await rawBackend((socket, text) => {
    const parts = text.split('POST ').slice(1)
    const last = parts.at(-1) ?? ''
    if (!last.endsWith('\r\n\r\nhello') || bodies.length >= parts.length) return
    bodies.push('hello')
    socket.write(bodies.length === 1 ? 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n' : ok)
  })
  const retryPolicy = { retryOn: '5xx', numRetries: 1, retryBackOff: { baseInterval: '0.001s' } }
  const proxy = await proxyFor(t, simple(backend, { retryPolicy }), backend)
  const post = 'POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'
  assert.match(await converse(proxy.portOf('in'), [post, 'hel', 'lo']), /^HTTP\/1\.1 200 /)
  assert.deepEqual(bodies, ['hello', 'hello'])
})

test('a body that was let go because no retry is left does not hide that the limit was reached; one that grew too large does', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (text.endsWith('last')) socket.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })
  const post = (length: number): string =>
    `POST / HTTP/1.1\r\nHost: s\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`
  const flagsAfter = async (numRetries: number, body: string): Promise<string | undefined> => {
    const retryPolicy = { retryOn: '5xx', numRetries, retryBackOff: { baseInterval: '0.001s' } }
    const proxy = await proxyFor(t, simple(backend, { retryPolicy }), backend)
    assert.match(await converse(proxy.portOf('in'), [post(body.length), body]), /^HTTP\/1\.1 500 /)
    const [first] = proxy.exchanges
    assert.equal(first?.attempts, body.length > 1 << 20 ? 1 : numRetries + 1)
    return first?.flags
  }
  assert.equal(await flagsAfter(0, 'hello last'), 'URX')
  assert.equal(await flagsAfter(2, 'hello last'), 'URX')
  assert.equal(await flagsAfter(2, `${'x'.repeat(200_000)}last`), 'URX')
  assert.equal(await flagsAfter(2, `${'x'.repeat(1 << 20)}last`), '', 'what cannot be kept is not repeated at all')
})

test('an endpoint that refuses connections is passed over', async (t) => {
  const backend = await answering(ok)
  const config: JsonConfig = {
    listeners: [httpListener('in', everythingTo('b', meshDefault))],
    clusters: [staticCluster('b', [await closedPort(), backend.port])],
  }
  const proxy = await proxyFor(t, config, backend)
  for (let at = 0; at < 6; at++) assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 200 /)
})

test('no connection at all is 503 UF with the reason', async (t) => {
  const config: JsonConfig = {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [await closedPort()])],
  }
  const proxy = await proxyFor(t, config)
  const answer = await converse(proxy.portOf('in'), [get('/')])
  assert.match(answer, /^HTTP\/1\.1 503 Service Unavailable\r\n/)
  assert.match(answer, /reset reason: remote connection failure$/, 'the reason is not for clients')
  assert.match(
    proxy.exchanges[0]?.details ?? '',
    /\{remote_connection_failure\|delayed_connect_error:_Connection_refused\}$/,
  )
  assert.match(proxy.exchanges[0]?.flags ?? '', /UF/)
})

test('a POST whose upstream dies is not sent twice; a GET on a stale connection is', async (t) => {
  const backend = await rawBackend((socket, text, connection) => {
    const heads = text.split('\r\n\r\n').length - 1
    if (connection === 0 && heads === 2) socket.resetAndDestroy()
    else socket.write(ok)
  })
  const proxy = await proxyFor(t, simple(backend, meshDefault), backend)
  const request = (method: string): string => `${method} / HTTP/1.1\r\nHost: s\r\n\r\n`
  const two = await converse(
    proxy.portOf('in'),
    [request('GET') + request('GET')],
    (text) => text.split('ok').length > 2,
  )
  assert.equal(two.split('HTTP/1.1 200').length, 3, 'the stale connection was not seen')
  const again = await rawBackend((socket, text) => {
    if (text.split('\r\n\r\n').length === 2) socket.write(ok)
    else socket.resetAndDestroy()
  })
  const second = await proxyFor(t, simple(again, meshDefault), again)
  const posts = await converse(second.portOf('in'), [request('GET') + request('POST')], (text) =>
    /503[^]*termination/.test(text),
  )
  assert.match(posts, /connection termination$/)
  assert.equal(again.received.join('').split('POST').length, 2, 'sent once')
  assert.equal(second.exchanges[1]?.flags, 'UC')
})

test('an idle connection that the server announced to close is not used again', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok')
  const proxy = await proxyFor(t, simple(backend), backend)
  await converse(proxy.portOf('in'), [get('/')])
  await new Promise((resolve) => setTimeout(resolve, 20))
  await converse(proxy.portOf('in'), [get('/')])
  assert.equal(backend.connections, 2)
})

test('the route timeout answers 504 UT and lets the upstream go', async (t) => {
  const backend = await rawBackend(() => {})
  const proxy = await proxyFor(t, simple(backend, { timeout: '0.1s' }), backend)
  const answer = await converse(proxy.portOf('in'), [get('/')])
  assert.match(answer, /^HTTP\/1\.1 504 Gateway Timeout[^]*upstream request timeout$/)
  assert.equal(proxy.exchanges[0]?.flags, 'UT')
})

test('a per-try timeout leads to another try', async (t) => {
  const backend = await rawBackend((socket, _text, connection) => {
    if (connection > 0) socket.write(ok)
  })
  const retryPolicy = {
    retryOn: 'reset',
    numRetries: 1,
    perTryTimeout: '0.05s',
    retryBackOff: { baseInterval: '0.001s' },
  }
  const proxy = await proxyFor(t, simple(backend, { retryPolicy }), backend)
  assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 200 /)
  assert.equal(backend.connections, 2)
})

for (const [name, limits, bytes, status, text] of [
  ['heads', { requestHeadersTimeout: '0.05s' }, 'GET / HT', 408, 'request header timeout'],
  [
    'bodies',
    { requestTimeout: '0.1s' },
    'POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 50\r\n\r\nx',
    408,
    'request timeout',
  ],
  ['idle answers', { streamIdleTimeout: '0.1s' }, 'GET / HTTP/1.1\r\nHost: s\r\n\r\n', 504, 'stream timeout'],
  [
    'idle requests',
    { streamIdleTimeout: '0.1s' },
    'POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 50\r\n\r\n',
    408,
    'stream timeout',
  ],
] as const) {
  test(`slow ${name} have their limit`, async (t) => {
    const backend = await rawBackend(() => {})
    const config: JsonConfig = {
      listeners: [httpListener('in', everythingTo('b'), limits)],
      clusters: [staticCluster('b', [backend.port])],
    }
    const proxy = await proxyFor(t, config, backend)
    const answer = await converse(proxy.portOf('in'), [bytes], (seen) => seen.endsWith(text))
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
    assert.ok(answer.endsWith(text), answer)
    assert.equal(proxy.exchanges[0]?.flags, name.startsWith('idle') ? 'SI' : '')
    // An answer that is late leaves the connection as good as before; half a request does not.
    assert.equal(answer.includes('connection: close'), status === 408)
  })
}

test('circuit breakers: more pending requests than allowed are 503 UO', async (t) => {
  const backend = await rawBackend(() => {})
  const thresholds = [{ maxConnections: 1, maxPendingRequests: 1 }]
  const proxy = await proxyFor(t, simple(backend, { timeout: '0.3s' }, { circuitBreakers: { thresholds } }), backend)
  const answers = await Promise.all([0, 1, 2, 3].map(() => converse(proxy.portOf('in'), [get('/')])))
  const overflown = answers.filter((answer) => answer.includes('reset reason: overflow'))
  assert.ok(overflown.length >= 1)
  assert.ok(proxy.exchanges.some(({ flags }) => flags === 'UO'))
})

test('what a malformed upstream sends is 502 UPE', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')
  const proxy = await proxyFor(t, simple(backend), backend)
  assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 502 Bad Gateway[^]*protocol error/)
  assert.equal(proxy.exchanges[0]?.flags, 'UPE')
})

test('an answer cut off in the middle is cut off downstream too, never ended as if complete', async (t) => {
  const backend = await rawBackend((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', () => socket.destroy())
  })
  const proxy = await proxyFor(t, simple(backend), backend)
  const answer = await converse(proxy.portOf('in'), [get('/')])
  assert.doesNotMatch(answer, /0\r\n\r\n$/)
  assert.equal(proxy.exchanges[0]?.flags, 'UPE')
})

test('what came in front of a fault reaches the client, even in the same read', async (t) => {
  const backend = await rawBackend((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n')
  })
  const proxy = await proxyFor(t, simple(backend), backend)
  const answer = await converse(proxy.portOf('in'), [get('/')])
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.match(answer, /3\r\nabc\r\n$/)
  assert.equal(proxy.exchanges[0]?.flags, 'UPE')
})

test('a connection that ends inside a head is a protocol error, and a reset to those who retry', async (t) => {
  let asked = 0
  const backend = await rawBackend((socket) => {
    if (asked++ === 0) socket.end('HTTP/1.1 200 OK\r\nconte')
    else socket.end(ok)
  })
  const plain = await proxyFor(t, simple(backend), backend)
  assert.match(await converse(plain.portOf('in'), [get('/')]), /^HTTP\/1\.1 502 /)
  assert.equal(plain.exchanges[0]?.flags, 'UPE')
  asked = 0
  const retrying = await proxyFor(t, simple(backend, { retryPolicy: { retryOn: 'reset' } }))
  assert.match(await converse(retrying.portOf('in'), [get('/')]), /^HTTP\/1\.1 200 /)
  assert.equal(asked, 2)
})

test('a client that goes away ends its upstream exchange', async (t) => {
  let closed = 0
  const backend = await rawBackend((socket) => {
    socket.once('close', () => closed++)
  })
  const proxy = await proxyFor(t, simple(backend), backend)
  const client = connect(proxy.portOf('in'), '127.0.0.1')
  client.write('POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc')
  await until(() => backend.connections >= 1, 'the backend is reached')
  client.destroy()
  await until(() => closed >= 1, 'the upstream connection ends')
  await until(() => proxy.exchanges.some(({ flags, status }) => flags === 'DC' && status === 0), 'flagged DC')
})

test('an answer that comes before the request is complete arrives whole', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (text.includes('\r\n\r\n') && text.length < 200_000) {
      socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge')
    }
  })
  const proxy = await proxyFor(t, simple(backend), backend)
  const body = Buffer.alloc(1024 * 1024, 'x')
  const head = `POST / HTTP/1.1\r\nHost: s\r\nContent-Length: ${body.length * 4}\r\n\r\n`
  const answer = await converse(proxy.portOf('in'), [head, body, body], (text) => text.endsWith('large'))
  assert.match(answer, /^HTTP\/1\.1 413 Too Large\r\n[^]*large$/)
})

test('authorization and faults act in the order of the configuration', async (t) => {
  const backend = await answering(ok)
  const rbac = {
    name: 'envoy.filters.http.rbac',
    typedConfig: any('envoy.extensions.filters.http.rbac.v3.RBAC', {
      rules: {
        action: 'DENY',
        policies: {
          'no-secrets': { permissions: [{ urlPath: { path: { prefix: '/secret' } } }], principals: [{ any: true }] },
        },
      },
    }),
  }
  const fault = {
    name: 'envoy.filters.http.fault',
    typedConfig: any('envoy.extensions.filters.http.fault.v3.HTTPFault', {
      delay: { fixedDelay: '0.1s', percentage: { numerator: 100 } },
      abort: { httpStatus: 418, percentage: { numerator: 100 } },
      headers: [{ name: 'x-tea', presentMatch: true }],
    }),
  }
  const config: JsonConfig = {
    listeners: [httpListener('in', everythingTo('b'), { httpFilters: [rbac, fault, router] })],
    clusters: [staticCluster('b', [backend.port])],
  }
  const proxy = await proxyFor(t, config, backend)
  const denied = await converse(proxy.portOf('in'), [get('/secret/a', 'x-tea: 1\r\n')])
  assert.match(denied, /^HTTP\/1\.1 403 Forbidden[^]*RBAC: access denied$/)
  const startMs = performance.now()
  const aborted = await converse(proxy.portOf('in'), [get('/', 'x-tea: 1\r\n')])
  assert.match(aborted, /^HTTP\/1\.1 418 [^]*fault filter abort$/)
  assert.ok(performance.now() - startMs >= 99)
  assert.match(await converse(proxy.portOf('in'), [get('/')]), /^HTTP\/1\.1 200 /)
  assert.deepEqual(
    proxy.exchanges.map(({ status, flags, details }) => [status, flags, details]),
    [
      [403, '', 'rbac_access_denied_matched_policy[no-secrets]'],
      [418, 'DI,FI', 'fault_filter_abort'],
      [200, '', 'via_upstream'],
    ],
  )
})

test('routes that answer by themselves, and none at all', async (t) => {
  const routes = anyHost([
    { match: { path: '/direct' }, directResponse: { status: 410, body: { inlineString: 'gone' } } },
    { match: { prefix: '/old' }, redirect: { prefixRewrite: '/new', responseCode: 'PERMANENT_REDIRECT' } },
    { match: { prefix: '/nowhere' }, route: { cluster: 'missing' } },
    {
      match: { prefix: '/a/' },
      route: { cluster: 'b', prefixRewrite: '/b/', hostRewriteLiteral: 'inner' },
      requestHeadersToAdd: [{ header: { key: 'x-added', value: '%REQ(:METHOD)%' } }],
      responseHeadersToAdd: [{ header: { key: 'x-out', value: 'yes' } }],
      requestHeadersToRemove: ['x-gone'],
    },
  ])
  const backend = await answering(ok)
  const proxy = await proxyFor(
    t,
    { listeners: [httpListener('in', routes)], clusters: [staticCluster('b', [backend.port])] },
    backend,
  )
  const ask = (path: string): Promise<string> => converse(proxy.portOf('in'), [get(path, 'x-gone: 1\r\n')])
  assert.match(await ask('/direct'), /^HTTP\/1\.1 410 [^]*gone$/)
  assert.match(await ask('/old/x?y=1'), /^HTTP\/1\.1 308 [^]*location: http:\/\/s\/new\/x\?y=1\r\n/)
  assert.match(await ask('/nowhere'), /^HTTP\/1\.1 503 /)
  assert.match(await ask('/other'), /^HTTP\/1\.1 404 /)
  assert.match(await ask('/a/1?q=2'), /x-out: yes/)
  assert.match(backend.received[0] ?? '', /^GET \/b\/1\?q=2 HTTP\/1\.1\r\nhost: inner\r\n/)
  assert.match(backend.received[0] ?? '', /x-added: GET\r\n/)
  assert.match(backend.received[0] ?? '', /x-envoy-original-path: \/a\/1\?q=2\r\n/)
  assert.doesNotMatch(backend.received[0] ?? '', /x-gone/)
  assert.deepEqual(
    proxy.exchanges.map(({ flags }) => flags),
    ['', '', 'NC', 'NR', ''],
  )
})
