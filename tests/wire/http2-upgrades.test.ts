import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { explicitHttp2, h2Client } from './http2-ends.ts'
import { anyHost, everythingTo, httpListener, httpOptions, proxyFor, staticCluster } from './proxy-under-test.ts'
import { converse, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const websocket = { upgradeConfigs: [{ upgradeType: 'websocket' }], http2ProtocolOptions: { allowConnect: true } }
const connecting = (more: object) =>
  anyHost([
    { match: { connectMatcher: {} }, route: { cluster: 'b', upgradeConfigs: [{ upgradeType: 'CONNECT', ...more }] } },
  ])

/** A server that switches to an echo. */
async function chat(t: TestContext) {
  const backend = await rawBackend((socket, text) => {
    const end = text.indexOf('\r\n\r\n')
    const said = text.slice(end + 4)
    if (said === '')
      socket.write(
        'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: k\r\n\r\nhello;',
      )
    else socket.write(`[${said}]`)
  })
  t.after(() => backend.close())
  return backend
}

test('a WebSocket crosses an HTTP/2 hop as extended CONNECT, and both ends see an upgrade', async (t) => {
  const backend = await chat(t)
  const inner = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'), websocket)],
    clusters: [staticCluster('b', [backend.port])],
  })
  const outer = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'), websocket)],
    clusters: [
      staticCluster(
        'b',
        [inner.portOf('in')],
        httpOptions({ explicitHttpConfig: { http2ProtocolOptions: { allowConnect: true } } }),
      ),
    ],
  })
  const ask =
    'GET /chat HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: q\r\n\r\n'
  const text = await converse(outer.portOf('in'), [ask, 'more'], (seen) => seen.includes('[more]'))
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*upgrade: websocket\r\n\r\nhello;\[more\]$/)
  assert.match(text, /sec-websocket-accept: k\r\n/i)
  assert.match(backend.received[0] ?? '', /^GET \/chat HTTP\/1\.1\r\nhost: s\r\n[^]*upgrade: websocket\r\n/)
  await until(() => outer.exchanges.length === 1 && inner.exchanges.length === 1, 'both are told')
  assert.deepEqual([outer.exchanges[0]?.status, inner.exchanges[0]?.status], [101, 101])
  assert.deepEqual([inner.exchanges[0]?.method, inner.exchanges[0]?.protocol], ['GET', 'HTTP/2'])
  await until(() => outer.openConnections() === 0, 'the client is gone')
})

test('extended CONNECT is not offered unless allow_connect is set', async (t) => {
  const backend = await chat(t)
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [backend.port])],
  })
  const client = h2Client(t, proxy.portOf('in'))
  await once(client, 'remoteSettings')
  assert.notEqual(client.remoteSettings.enableConnectProtocol, true)
})

test('CONNECT over HTTP/2 ends in a cluster, several on one connection, and each direction ends on its own', async (t) => {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => socket.write(`[${chunk.toString()}]`))
    socket.on('end', () => socket.end('end'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', connecting({ connectConfig: {} }))],
    clusters: [staticCluster('b', [(server.address() as AddressInfo).port])],
  })
  const client = h2Client(t, proxy.portOf('in'))
  const texts = await Promise.all(
    ['one', 'two'].map(async (word) => {
      const stream = client.request({ ':method': 'CONNECT', ':authority': `${word}.example:80` })
      let text = ''
      stream.on('data', (chunk: Buffer) => void (text += chunk.toString()))
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      assert.equal(headers[':status'], 200)
      stream.write(word)
      await until(() => text === `[${word}]`, 'the echo')
      stream.end()
      await once(stream, 'close')
      return text
    }),
  )
  assert.deepEqual(texts, ['[one]end', '[two]end'])
  await until(() => proxy.exchanges.length === 2, 'both are told')
  assert.deepEqual(
    proxy.exchanges
      .toSorted((a, b) => a.authority.localeCompare(b.authority))
      .map(({ bytesReceived, bytesSent, authority }) => [bytesReceived, bytesSent, authority]),
    [
      [3, 8, 'one.example:80'],
      [3, 8, 'two.example:80'],
    ],
  )
  assert.equal(proxy.openConnections(), 1, 'the connection goes on')
  client.destroy()
  await until(() => proxy.openConnections() === 0, 'the connection is gone')
})

test('CONNECT is passed on over HTTP/2, and what fails behind it is an answer', async (t) => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const inner = await proxyFor(t, {
    listeners: [httpListener('in', connecting({ connectConfig: {} }))],
    clusters: [staticCluster('b', [(server.address() as AddressInfo).port])],
  })
  const outer = await proxyFor(t, {
    listeners: [httpListener('in', connecting({}))],
    clusters: [staticCluster('b', [inner.portOf('in')], httpOptions(explicitHttp2))],
  })
  const head = 'CONNECT x.example:80 HTTP/1.1\r\nHost: x.example:80\r\n\r\n'
  const text = await converse(outer.portOf('in'), [head, 'through'], (seen) => seen.endsWith('through'))
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nthrough$/)
  inner.apply({
    listeners: [httpListener('in', connecting({ connectConfig: {} }))],
    clusters: [staticCluster('b', [1])],
  })
  const failed = await converse(outer.portOf('in'), [head], (seen) => /\r\n\r\n.+/s.test(seen))
  assert.match(failed, /^HTTP\/1\.1 503 /)
})

test('a client that finishes before its tunnel opens is heard, in either protocol', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = ''
    socket.on('data', (chunk) => void (text += chunk.toString()))
    socket.on('end', () => socket.end(`heard ${text}`))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', connecting({ connectConfig: {} }))],
    clusters: [staticCluster('b', [(server.address() as AddressInfo).port])],
  })
  const stream = h2Client(t, proxy.portOf('in')).request({ ':method': 'CONNECT', ':authority': 'a.example:80' })
  let text = ''
  stream.on('data', (chunk: Buffer) => void (text += chunk.toString()))
  stream.end('all of it')
  await once(stream, 'close')
  assert.equal(text, 'heard all of it')
  const socket = connect({ port: proxy.portOf('in'), host: '127.0.0.1', allowHalfOpen: true })
  let answer = ''
  socket.on('data', (chunk: Buffer) => void (answer += chunk.toString()))
  socket.end('CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\nand more')
  await once(socket, 'end')
  assert.match(answer, /\r\n\r\nheard and more$/)
  await until(() => proxy.exchanges.length === 2, 'both are over')
})
