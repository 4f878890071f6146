import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeProxyHeader } from '../../packages/proxy/src/proxy-protocol/write-proxy-header.ts'
import {
  client,
  listenerFilter,
  proxyProtocolSocket,
  readsProxyHeaders,
  tcpListener,
  tcpProxy,
  tcpServer,
} from './l4.ts'
import { everythingTo, manager, proxyFor, staticCluster } from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

const ends = {
  source: { address: '192.0.2.7', port: 4711 },
  destination: { address: '198.51.100.9', port: 443 },
}
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

/** Says back what it gets. */
const echo = (t: Parameters<typeof tcpServer>[0]) => tcpServer(t, (socket) => socket.pipe(socket))

test('a PROXY header tells whose connection it is, however it is cut', async (t) => {
  const backend = await echo(t)
  const proxy = await proxyFor(t, readsProxyHeaders(backend.port))
  for (const version of [1, 2] as const) {
    const bytes = Buffer.concat([writeProxyHeader(version, ends), Buffer.from('hello')])
    for (let cut = 1; cut < bytes.length; cut += version === 1 ? 7 : 1) {
      const from = await client(t, proxy.portOf('in'))
      from.socket.write(bytes.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      from.socket.end(bytes.subarray(cut))
      await from.ended
      assert.equal(from.text(), 'hello')
    }
  }
  await until(() => proxy.openConnections() === 0, 'all are over')
  for (const { downstream } of proxy.connections) {
    assert.equal(`${downstream.remoteAddress}:${downstream.remotePort}`, '192.0.2.7:4711')
    assert.equal(`${downstream.localAddress}:${downstream.localPort}`, '198.51.100.9:443')
    assert.equal(downstream.direct?.address, '127.0.0.1')
  }
  assert.ok(proxy.connections.length > 20)
})

test('LOCAL keeps the ends of the connection itself; a connection without a header is refused unless it may be', async (t) => {
  const backend = await echo(t)
  const filters = [{ filters: [tcpProxy('b')] }]
  const addresses: Record<string, string> = { must: '127.0.0.1', may: '127.0.0.2', v1: '127.0.0.3' }
  const only1 = { allowRequestsWithoutProxyProtocol: true, disallowedVersions: ['V2'] }
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('must', { listenerFilters: [listenerFilter('proxy_protocol')], filterChains: filters }),
      tcpListener(
        'may',
        {
          listenerFilters: [listenerFilter('proxy_protocol', { allowRequestsWithoutProxyProtocol: true })],
          filterChains: filters,
        },
        addresses['may'],
      ),
      tcpListener(
        'v1',
        { listenerFilters: [listenerFilter('proxy_protocol', only1)], filterChains: filters },
        addresses['v1'],
      ),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  const answerOf = async (listener: string, bytes: Buffer): Promise<string> => {
    const from = await client(t, proxy.portOf(listener), addresses[listener])
    from.socket.end(bytes)
    await Promise.race([from.ended, from.closed])
    return from.text()
  }
  assert.equal(await answerOf('must', Buffer.concat([local, Buffer.from('me')])), 'me')
  assert.equal(await answerOf('may', Buffer.from('nobody')), 'nobody')
  assert.equal(await answerOf('may', Buffer.concat([writeProxyHeader(2, ends), Buffer.from('you')])), 'you')
  assert.equal(await answerOf('must', Buffer.from('PROPER')), '')
  assert.equal(await answerOf('must', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\nx')), '')
  const binary = Buffer.concat([writeProxyHeader(2, ends), Buffer.from('x')])
  assert.equal(await answerOf('v1', binary), binary.toString('latin1'))
  assert.deepEqual(proxy.refusals, [
    'must: downstream_listener_filter_error: proxy_protocol_error: no PROXY header',
    'must: downstream_listener_filter_error: proxy_protocol_error: not a port',
  ])
})

test('a header that never comes ends the connection, even where other filters may time out', async (t) => {
  const backend = await echo(t)
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('proxy_protocol')],
        listenerFiltersTimeout: '0.1s',
        continueOnListenerFiltersTimeout: true,
        filterChains: [{ filters: [tcpProxy('b')] }],
      }),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  const from = await client(t, proxy.portOf('in'))
  from.socket.write('PROXY TCP4 1.2.3.4')
  await from.ended
  assert.deepEqual(proxy.refusals, ['in: downstream_listener_filter_error: listener_filter_timeout'])
  assert.equal(backend.sockets.size, 0)
})

test('chains are chosen by what the header says, and HTTP sees the client it names', async (t) => {
  const heads: string[] = []
  const backend = await tcpServer(t, (socket) => {
    socket.once('data', (bytes) => {
      heads.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n')
    })
  })
  const ranges = [{ addressPrefix: '192.0.2.0', prefixLen: 24 }]
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('proxy_protocol'), listenerFilter('http_inspector')],
        filterChains: [
          {
            filterChainMatch: { sourcePrefixRanges: ranges, applicationProtocols: ['http/1.1'] },
            filters: [manager(everythingTo('b'), { useRemoteAddress: true })],
          },
        ],
      }),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  const ask = async (address: string): Promise<string> => {
    const from = await client(t, proxy.portOf('in'))
    const header = writeProxyHeader(2, { ...ends, source: { address, port: 1 } })
    from.socket.write(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')]))
    let ended = false
    from.socket.once('end', () => (ended = true)).once('close', () => (ended = true))
    await until(() => ended || from.text().includes('\r\n\r\n'), 'an answer, or the end')
    return from.text().split('\r\n')[0] as string
  }
  assert.equal(await ask('192.0.2.7'), 'HTTP/1.1 204 No Content')
  assert.match(heads[0] as string, /x-forwarded-for: 192\.0\.2\.7\r\n/)
  assert.equal(await ask('203.0.113.1'), '')
})

test('an upstream that wants it is told whose connection it gets, in front of everything else', async (t) => {
  const seen: Buffer[] = []
  const backend = await tcpServer(t, (socket) => {
    const pieces: Buffer[] = []
    socket.on('data', (bytes) => pieces.push(bytes))
    socket.on('end', () => {
      seen.push(Buffer.concat(pieces))
      socket.end()
    })
  })
  for (const version of ['V1', 'V2'] as const) {
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [backend.port], { transportSocket: proxyProtocolSocket(version) })],
    })
    const port = proxy.portOf('in')
    const from = await client(t, port)
    const source = { address: '127.0.0.1', port: from.socket.localPort as number }
    from.socket.end('hello')
    await from.ended
    const header = writeProxyHeader(version === 'V1' ? 1 : 2, { source, destination: { address: '127.0.0.1', port } })
    assert.deepEqual(seen.pop(), Buffer.concat([header, Buffer.from('hello')]))
  }
})

test('the header of the client goes on to the upstream', async (t) => {
  const backend = await echo(t)
  const proxy = await proxyFor(t, readsProxyHeaders(backend.port, { transportSocket: proxyProtocolSocket('V1') }))
  const from = await client(t, proxy.portOf('in'))
  from.socket.end(Buffer.concat([writeProxyHeader(2, ends), Buffer.from('hello')]))
  await from.ended
  assert.equal(from.text(), 'PROXY TCP4 192.0.2.7 198.51.100.9 4711 443\r\nhello')
})
