// Peers that begin something and never go on: whatever they hold is let go of.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { atRest } from '@weft/testkit/at-rest'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { any, everythingTo, httpListener, proxyFor, staticCluster } from './proxy-under-test.ts'
import { answering, rawBackend } from './raw-http.ts'
import { testAuthority } from './test-certificates.ts'
import { until } from './test-runtime.ts'
import { given, terminating } from './tls-ends.ts'

const authority = await testAuthority()

async function opened(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** The first record of a handshake, which goes on and on. */
const helloThatGoesOn = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])

for (const [what, bytes] of [
  ['says nothing', undefined],
  ['never finishes its first word', helloThatGoesOn],
] as const) {
  test(`a client that ${what} is closed when the time for its handshake is over`, async (t) => {
    const proxy = await proxyFor(t, {
      listeners: [
        tcpListener('in', {
          filterChains: [
            {
              transportSocket: terminating({ tlsCertificates: [given(await authority.issue('a.shop.example'))] }),
              transportSocketConnectTimeout: '0.1s',
              filters: [tcpProxy('b')],
            },
          ],
        }),
      ],
      clusters: [staticCluster('b', [1])],
    })
    const socket = await opened(t, proxy.portOf('in'))
    const closed = once(socket, 'close')
    socket.on('end', () => socket.end())
    socket.resume()
    if (bytes !== undefined) socket.write(bytes)
    await within('the proxy closes the connection', closed)
    assert.match(proxy.refusals.join(), /handshake timed out/)
  })
}

test('an upstream that never answers a handshake is closed when the time to connect is over', async (t) => {
  let open = 0
  const silent = await tcpServer(t, (socket) => {
    open++
    socket.on('close', () => open--)
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
    socket.resume()
  })
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  const transportSocket: JsonObject = {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any(type, { commonTlsContext: {} }),
  }
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [silent.port], { connectTimeout: '0.1s', transportSocket })],
  })
  const answer = await fetch(`http://127.0.0.1:${proxy.portOf('in')}/`)
  assert.equal(answer.status, 503)
  await answer.text()
  await until(() => open === 0, 'the connection to the upstream is closed')
})

test('a client that asks on and on and never reads an answer is not asked for more', async (t) => {
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: 32768\r\n\r\n${'x'.repeat(32_768)}`
  const backend = await answering(answer)
  const proxy = await proxyFor(
    t,
    { listeners: [httpListener('in', everythingTo('b'))], clusters: [staticCluster('b', [backend.port])] },
    backend,
  )
  const socket = await opened(t, proxy.portOf('in'))
  socket.pause()
  const some = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(100)
  let going = true
  const more = (): void => {
    while (going && socket.write(some)) if (proxy.exchanges.length > 3_000) going = false
  }
  socket.on('drain', more)
  more()
  await atRest(() => proxy.exchanges.length, 'answers')
  going = false
  assert.ok(proxy.exchanges.length < 1_000, `${proxy.exchanges.length} requests were answered into nothing`)
})

test('a client that asks much at once and closes its side gets every answer, however late it reads', async (t) => {
  const answer = `HTTP/1.1 200 OK\r\ncontent-length: 32768\r\n\r\n${'x'.repeat(32_768)}`
  const backend = await answering(answer)
  const proxy = await proxyFor(
    t,
    {
      listeners: [httpListener('in', everythingTo('b'), { delayedCloseTimeout: '0.3s' })],
      clusters: [staticCluster('b', [backend.port])],
    },
    backend,
  )
  const socket = await opened(t, proxy.portOf('in'))
  socket.pause()
  socket.end('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(500))
  const before = await atRest(() => proxy.exchanges.length, 'answers')
  assert.ok(before < 500, `the client was waited for, ${before} requests were answered`)
  let received = 0
  socket.on('data', (bytes: Buffer) => (received += bytes.length))
  socket.resume()
  await once(socket, 'close')
  assert.equal(proxy.exchanges.length, 500)
  assert.ok(received > 500 * 32_768, `${received} bytes came`)
})

test('a client that never reads its last answer is closed, one that reads slowly is not', async (t) => {
  const bytes = 40 * 1024 * 1024
  const backend = await rawBackend((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\nconnection: close\r\n\r\n`)
    socket.end(Buffer.alloc(bytes, 'x'))
  })
  const proxy = await proxyFor(
    t,
    {
      listeners: [httpListener('in', everythingTo('b'), { delayedCloseTimeout: '1s', streamIdleTimeout: '4s' })],
      clusters: [staticCluster('b', [backend.port])],
    },
    backend,
  )
  const asked = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  const [deaf, slow] = [await opened(t, proxy.portOf('in')), await opened(t, proxy.portOf('in'))]
  deaf.pause()
  deaf.end(asked)
  let received = 0
  slow.on('data', (piece: Buffer) => {
    received += piece.length
    slow.pause()
    setTimeout(() => slow.resume(), 2)
  })
  slow.write(asked)
  await once(slow, 'end')
  slow.end()
  assert.ok(received > bytes, `${received} bytes came`)
  await until(() => proxy.openConnections() === 0, 'both connections are closed')
})
