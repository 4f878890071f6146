import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anyHost, everythingTo, httpListener, type JsonConfig, proxyFor, staticCluster } from './proxy-under-test.ts'
import { converse, type RawBackend, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const asking =
  'GET /chat HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n'
const websocket = { upgradeConfigs: [{ upgradeType: 'websocket' }] }

const inFront = (backend: RawBackend, more = {}, routes = everythingTo('b')): JsonConfig => ({
  listeners: [httpListener('in', routes, more)],
  clusters: [staticCluster('b', [backend.port])],
})

/** Agrees to switch, says hello at once, and echoes what comes. */
const echoing = (answer: string): Promise<RawBackend> =>
  rawBackend((socket, text) => {
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const said = text.slice(end + 4)
    if (!socket.listenerCount('echo')) {
      socket.on('echo', () => {})
      socket.write(`${answer}hello;`)
    }
    if (said !== '') socket.write(`[${said}]`)
  })

test('a WebSocket upgrade joins both sides, with what was sent early, and is one exchange in the log', async (t) => {
  const backend = await echoing(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: xyz\r\n\r\n',
  )
  const proxy = await proxyFor(t, inFront(backend, websocket), backend)
  const text = await converse(proxy.portOf('in'), [`${asking}early`], (seen) => seen.includes(']'))
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  assert.match(text, /connection: Upgrade\r\nupgrade: websocket\r\n\r\nhello;\[early\]$/)
  assert.match(text, /Sec-WebSocket-Accept: xyz\r\n/)
  assert.match(backend.received[0] ?? '', /connection: Upgrade\r\nupgrade: websocket\r\n/)
  assert.doesNotMatch(backend.received[0] ?? '', /transfer-encoding|content-length/i)
  await until(() => proxy.exchanges.length === 1, 'the exchange is told')
  const { status, bytesReceived, bytesSent, details } = proxy.exchanges[0] as (typeof proxy.exchanges)[0]
  assert.deepEqual(
    { status, bytesReceived, bytesSent, details },
    {
      status: 101,
      bytesReceived: 5,
      bytesSent: 13,
      details: 'downstream_remote_disconnect',
    },
  )
  await until(() => proxy.openConnections() === 0, 'the connection is gone')
})

test('each side of a WebSocket may end on its own', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (text.endsWith('\r\n\r\n'))
      socket.write('HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbye')
    if (text.endsWith('\r\n\r\n')) socket.end()
  })
  const proxy = await proxyFor(t, inFront(backend, websocket), backend)
  const text = await converse(proxy.portOf('in'), [asking])
  assert.ok(text.endsWith('bye'), text)
})

test('an upgrade that is not switched on is 403, one the server declines is an ordinary answer', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nno')
  })
  const proxy = await proxyFor(t, inFront(backend, websocket), backend)
  const other = asking.replace('websocket', 'other')
  assert.match(await converse(proxy.portOf('in'), [other], (seen) => seen.includes('\r\n\r\n')), /^HTTP\/1\.1 403 /)
  assert.equal(proxy.exchanges[0]?.details, 'upgrade_failed')
  const text = await converse(proxy.portOf('in'), [asking + asking], (seen) => seen.split('\r\n\r\nno').length === 3)
  assert.match(text, /^HTTP\/1\.1 400 No\r\n/)
  assert.equal(backend.connections, 1, 'the connection to the server is kept')
})

test('h2c is ignored, and so is an upgrade that Connection does not name', async (t) => {
  const backend = await rawBackend((socket, text) => {
    if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const proxy = await proxyFor(t, inFront(backend), backend)
  const head = 'GET / HTTP/1.1\r\nHost: s\r\nUpgrade: '
  const requests = [
    `${head}h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    `${head}websocket\r\n\r\n`,
  ]
  const text = await converse(proxy.portOf('in'), [requests.join('')], (seen) => seen.split('\r\n\r\nok').length === 3)
  assert.equal(text.split('HTTP/1.1 200 ').length, 3)
  assert.doesNotMatch(backend.received.join(''), /upgrade|http2-settings/i)
})

test('CONNECT without connect_config is passed on; a refusal comes back as it is', async (t) => {
  const backend = await rawBackend((socket, all) => {
    const text = all.slice(all.lastIndexOf('CONNECT '))
    if (text.startsWith('CONNECT no.example:1 ')) socket.write('HTTP/1.1 407 Ask\r\nContent-Length: 3\r\n\r\nask')
    else if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 Fine\r\nContent-Length: 9\r\n\r\nopen;')
    else socket.write(`[${text.slice(text.indexOf('\r\n\r\n') + 4)}]`)
  })
  const routes = anyHost([
    { match: { connectMatcher: {} }, route: { cluster: 'b', upgradeConfigs: [{ upgradeType: 'CONNECT' }] } },
  ])
  const proxy = await proxyFor(t, inFront(backend, {}, routes), backend)
  const head = (host: string): string => `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const refused = await converse(proxy.portOf('in'), [head('no.example:1')], (seen) => seen.endsWith('ask'))
  assert.match(refused, /^HTTP\/1\.1 407 Ask\r\n/)
  const text = await converse(proxy.portOf('in'), [`${head('yes.example:80')}early`], (seen) => seen.includes(']'))
  assert.match(text, /^HTTP\/1\.1 200 Fine\r\n[^]*\r\n\r\nopen;\[early\]$/)
  assert.doesNotMatch(text, /content-length|transfer-encoding/i)
  assert.match(backend.received.join(''), /CONNECT yes\.example:80 HTTP\/1\.1\r\nhost: yes\.example:80\r\n/)
})

test('a tunnel without traffic ends after the idle time, flagged SI', async (t) => {
  const backend = await echoing('HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  const proxy = await proxyFor(t, inFront(backend, { ...websocket, streamIdleTimeout: '0.1s' }), backend)
  assert.match(await converse(proxy.portOf('in'), [asking]), /hello;$/)
  await until(() => proxy.exchanges.length === 1, 'the exchange is told')
  assert.equal(proxy.exchanges[0]?.flags, 'SI')
})
