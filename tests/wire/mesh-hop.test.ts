// The hop between two proxies as the control plane lays it out: requests by ALPN, TCP as CONNECT streams, both over shared connections.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { authority, behindTunnel, httpHop, idOf, originating, stock, terminating } from './hop-under-test.ts'
import { client, tcpServer } from './l4.ts'
import type { ProxyUnderTest } from './proxy-under-test.ts'
import { converse, rawBackend } from './raw-http.ts'
import { testAuthority } from './test-certificates.ts'
import { until } from './test-runtime.ts'

const stranger = await testAuthority()
const nobody = 1

const echo = (t: TestContext) =>
  tcpServer(t, (socket) => {
    socket.on('data', (bytes) => socket.write(bytes))
    socket.on('end', () => socket.end())
  })

async function sayThrough(
  t: TestContext,
  proxy: ProxyUnderTest,
  listener: string,
  host: string,
  words: string,
): Promise<string> {
  const from = await client(t, proxy.portOf(listener), host)
  from.socket.end(words)
  await from.ended
  return from.text()
}

test('connections at the same time are streams of one connection, and each end of them is passed on', async (t) => {
  const backend = await echo(t)
  const inner = await terminating(t, backend.port)
  const outer = await originating(t, {
    a: [behindTunnel({ port: inner.portOf('terminate') })],
    b: [behindTunnel({ port: inner.portOf('terminate') }, 'too')],
  })
  const open = await Promise.all(
    Array.from({ length: 24 }, (_, at) => client(t, outer.portOf(at % 2 === 0 ? 'a' : 'b'), `127.0.0.${(at % 2) + 2}`)),
  )
  for (const [at, { socket }] of open.entries()) socket.write(`hello ${at}`)
  await until(() => open.every(({ text }, at) => text() === `hello ${at}`), 'every echo')
  assert.equal(backend.sockets.size, 24)
  assert.equal(inner.openConnections(), 1)
  for (const { socket } of open) socket.end(', bye')
  await Promise.all(open.map(({ ended }) => ended))
  assert.deepEqual(
    open.map(({ text }) => text()),
    open.map((_, at) => `hello ${at}, bye`),
  )
  await until(() => backend.sockets.size === 0, 'the applications’ connections are over')
  assert.equal(inner.openConnections(), 1)
  await until(() => inner.exchanges.length === 24, 'the records of the far end')
  assert.ok(
    inner.exchanges.every(
      ({ method, status, authority }) => method === 'CONNECT' && status === 200 && authority === 'stock:7000',
    ),
  )
  await until(() => outer.connections.length === 48, 'the records of both listeners of the near end')
  const peers = outer.connections.map(({ upstream }) => upstream?.peer?.spiffeId)
  assert.deepEqual([...new Set(peers)], [idOf('stock')])
})

test('megabytes cross both ways while the reader is slow, and nothing is lost', async (t) => {
  const backend = await echo(t)
  const inner = await terminating(t, backend.port)
  const outer = await originating(t, { a: [behindTunnel({ port: inner.portOf('terminate') })] })
  const from = await client(t, outer.portOf('a'), '127.0.0.2')
  const sent = Buffer.alloc(5_000_000)
  for (let at = 0; at < sent.length; at++) sent[at] = (at * 31) & 0xff
  from.socket.end(sent)
  from.socket.pause()
  await new Promise((resolve) => setTimeout(resolve, 300))
  from.socket.resume()
  await from.ended
  assert.ok(Buffer.from(from.text(), 'latin1').equals(sent))
})

test('only the certificate that the endpoint names may answer; another name is another connection', async (t) => {
  const backend = await echo(t)
  const inner = await terminating(t, backend.port, await authority.issue(idOf('stock'), 'stock.example'))
  const port = inner.portOf('terminate')
  const outer = await originating(t, {
    right: [behindTunnel({ port })],
    other: [behindTunnel({ port, identity: idOf('payments') })],
    unnamed: [behindTunnel({ port, identity: '' })],
    named: [behindTunnel({ port, identity: 'stock.example' })],
  })
  assert.equal(await sayThrough(t, outer, 'right', '127.0.0.2', 'x'), 'x')
  const connections = inner.openConnections()
  for (const [index, name] of ['other', 'unnamed'].entries()) {
    outer.connections.length = 0
    assert.equal(await sayThrough(t, outer, name, `127.0.0.${index + 3}`, 'x'), '')
    await until(() => outer.connections.length === 2, 'the records')
    for (const { flags, upstream } of outer.connections) {
      assert.ok(flags.includes('UF'), flags.join())
      assert.match(upstream?.transportFailure ?? '', /is not (spiffe:.*payments|known by name)/)
    }
  }
  // The trusted connection that is open is never lent to who expects someone else.
  assert.equal(connections, 1)
  assert.equal(inner.exchanges.length, 1)
  assert.equal(await sayThrough(t, outer, 'named', '127.0.0.5', 'x'), 'x')
  assert.equal(inner.openConnections(), 2)
  const foreign = await terminating(t, backend.port, await stranger.issue(idOf('stock')))
  const deceived = await originating(t, { a: [behindTunnel({ port: foreign.portOf('terminate') })] })
  assert.equal(await sayThrough(t, deceived, 'a', '127.0.0.2', 'x'), '')
})

test('who is not allowed gets no tunnel: the connection fails, and another endpoint is tried', async (t) => {
  const backend = await echo(t)
  const allowing = await terminating(t, backend.port)
  const denying = await terminating(t, backend.port, stock, true)
  const once = await originating(t, { a: [behindTunnel({ port: denying.portOf('terminate') })] })
  assert.equal(await sayThrough(t, once, 'a', '127.0.0.2', 'x'), '')
  await until(() => once.connections.length === 2, 'the records')
  assert.match(once.connections[1]?.upstream?.transportFailure ?? '', /CONNECT was answered with 403/)
  assert.equal(denying.exchanges[0]?.status, 403)
  const ports = [nobody, denying.portOf('terminate'), allowing.portOf('terminate')]
  const endpoints = ports.map((port) => behindTunnel({ port }))
  const more = await originating(t, { a: endpoints }, { maxConnectAttempts: 9 })
  for (let at = 0; at < 6; at++) assert.equal(await sayThrough(t, more, 'a', '127.0.0.2', 'x'), 'x')
})

test('what cannot be asked for opens nothing: no address, no name, a name with a line break', async (t) => {
  const backend = await echo(t)
  const inner = await terminating(t, backend.port)
  const port = inner.portOf('terminate')
  const addressless = behindTunnel({ port })
  const ways = {
    broken: [behindTunnel({ port, destination: 'stock:7000\r\nx: y' })],
    nameless: [behindTunnel({ port, destination: '' })],
    addressless: [
      { ...addressless, metadata: { filterMetadata: { 'envoy.transport_socket_match': { tunnel: 'h2' } } } },
    ],
  }
  const outer = await originating(t, ways)
  for (const [index, name] of Object.keys(ways).entries())
    assert.equal(await sayThrough(t, outer, name, `127.0.0.${index + 2}`, 'x'), '')
  assert.equal(inner.openConnections(), 0)
})

test('a connection that breaks takes its streams along, and the next ones open another', async (t) => {
  const backend = await echo(t)
  const inner = await terminating(t, backend.port)
  const outer = await originating(t, { a: [behindTunnel({ port: inner.portOf('terminate') })] })
  const open = await Promise.all([1, 2, 3].map(() => client(t, outer.portOf('a'), '127.0.0.2')))
  for (const { socket } of open) socket.write('x')
  await until(() => open.every(({ text }) => text() === 'x'), 'the echoes')
  for (const socket of backend.sockets) socket.resetAndDestroy()
  await Promise.all(open.map(({ closed }) => closed))
  assert.equal(inner.openConnections(), 1)
  assert.equal(await sayThrough(t, outer, 'a', '127.0.0.2', 'again'), 'again')
  assert.equal(inner.openConnections(), 1)
})

test('requests at the same time share one connection where ALPN says HTTP/2, and go by HTTP/1.1 where it does not', async (t) => {
  const backend = await rawBackend((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  t.after(() => backend.close())
  for (const [alpn, protocol] of [
    [['h2', 'http/1.1'], 'HTTP/2'],
    [['http/1.1'], 'HTTP/1.1'],
  ] as const) {
    const { inner, outer } = await httpHop(t, backend.port, alpn)
    const ask = () => converse(outer.portOf('in'), ['GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'])
    const answers = await Promise.all(Array.from({ length: 30 }, ask))
    assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 200')))
    assert.ok(
      inner.exchanges.every((exchange) => exchange.protocol === protocol),
      inner.exchanges[0]?.protocol,
    )
    if (protocol === 'HTTP/2') assert.equal(inner.openConnections(), 1)
    else assert.ok(inner.openConnections() > 1)
  }
})
