// Peers that begin something and never go on: whatever they hold is let go of.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { any, everythingTo, httpListener, proxyFor, staticCluster } from './proxy-under-test.ts'
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
