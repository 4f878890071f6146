import assert from 'node:assert/strict'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { any, assignment, proxyFor, staticCluster } from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

async function udpSocket(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return socket
}

/** Answers each datagram with its name, the datagram, and counts whom it heard from. */
async function udpServer(t: TestContext, name: string) {
  const socket = await udpSocket(t)
  const peers = new Set<number>()
  socket.on('message', (bytes, from) => {
    peers.add(from.port)
    socket.send(`${name} ${bytes.toString('latin1')}`, from.port, from.address)
  })
  return { port: socket.address().port, peers, socket }
}

function udpListener(name: string, filter: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    name,
    address: { socketAddress: { protocol: 'UDP', address: '127.0.0.1', portValue: 0 } },
    listenerFilters: [
      {
        name: 'envoy.filters.udp_listener.udp_proxy',
        typedConfig: any('envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig', { statPrefix: 'test', ...filter }),
      },
    ],
    ...more,
  }
}

const matcherTo = (cluster: string): JsonObject => ({
  matcher: {
    onNoMatch: {
      action: { name: 'route', typedConfig: any('envoy.extensions.filters.udp.udp_proxy.v3.Route', { cluster }) },
    },
  },
})

async function ask(socket: Socket, port: number, text: string): Promise<string> {
  const answered = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>
  socket.send(text, port, '127.0.0.1')
  const [bytes, from] = await answered
  assert.equal(from.port, port, 'the answer comes from the address that was asked')
  return bytes.toString('latin1')
}

test('each client has a session of its own, whose answers find their way back', async (t) => {
  const server = await udpServer(t, 'a')
  const proxy = await proxyFor(t, {
    listeners: [udpListener('dns', matcherTo('b'))],
    clusters: [staticCluster('b', [server.port])],
  })
  const port = proxy.portOf('dns')
  const clients = await Promise.all(Array.from({ length: 5 }, () => udpSocket(t)))
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(clients.map((socket, index) => ask(socket, port, `${index}/${round}`)))
    assert.deepEqual(
      answers,
      clients.map((_, index) => `a ${index}/${round}`),
    )
  }
  assert.equal(server.peers.size, 5)
})

test('a session stays with its endpoint until it is gone or idle for too long, and is then reported', async (t) => {
  const [a, b] = [await udpServer(t, 'a'), await udpServer(t, 'b')]
  const cluster = { name: 'eds', type: 'EDS', edsClusterConfig: { edsConfig: { ads: {} } }, lbPolicy: 'ROUND_ROBIN' }
  const proxy = await proxyFor(t, {
    listeners: [udpListener('in', { cluster: 'eds', idleTimeout: '0.3s' })],
    clusters: [cluster],
  })
  proxy.setEndpoints('eds', assignment('eds', [a.port, b.port]))
  const socket = await udpSocket(t)
  const port = proxy.portOf('in')
  const first = (await ask(socket, port, '1')).slice(0, 1)
  for (const text of ['2', '3', '4']) assert.equal(await ask(socket, port, text), `${first} ${text}`)
  const other = first === 'a' ? b : a
  proxy.setEndpoints('eds', assignment('eds', [other.port]))
  assert.equal(await ask(socket, port, '5'), `${first === 'a' ? 'b' : 'a'} 5`)
  assert.equal(proxy.connections.length, 1)
  assert.deepEqual([proxy.connections[0]?.bytesReceived, proxy.connections[0]?.bytesSent], [4, 12])
  assert.equal(proxy.connections[0]?.downstream.remotePort, socket.address().port)
  await until(() => proxy.connections.length === 2, 'the second session is idle for too long')
  assert.match(proxy.metrics.render(), /envoy_udp_idle_timeout\{envoy_udp_prefix="test"\} 1/)
})

test('per-packet balancing spreads the datagrams of one client', async (t) => {
  const [a, b] = [await udpServer(t, 'a'), await udpServer(t, 'b')]
  const proxy = await proxyFor(t, {
    listeners: [udpListener('in', { cluster: 'b', usePerPacketLoadBalancing: true })],
    clusters: [staticCluster('b', [a.port, b.port], { lbPolicy: 'ROUND_ROBIN' })],
  })
  const socket = await udpSocket(t)
  const names = new Set<string>()
  for (let at = 0; at < 6; at++) names.add((await ask(socket, proxy.portOf('in'), 'x')).slice(0, 1))
  assert.deepEqual([...names].sort(), ['a', 'b'])
})

test('sessions are bounded by max_connections, large datagrams are dropped, strangers are not answered for', async (t) => {
  const server = await udpServer(t, 'a')
  const limits = { circuitBreakers: { thresholds: [{ maxConnections: 2 }] } }
  const proxy = await proxyFor(t, {
    listeners: [
      udpListener(
        'in',
        { cluster: 'b' },
        { udpListenerConfig: { downstreamSocketConfig: { maxRxDatagramSize: '100' } } },
      ),
    ],
    clusters: [staticCluster('b', [server.port], limits)],
  })
  const port = proxy.portOf('in')
  const clients = await Promise.all([udpSocket(t), udpSocket(t), udpSocket(t)])
  const [first, second, third] = clients as [Socket, Socket, Socket]
  assert.equal(await ask(first, port, '1'), 'a 1')
  assert.equal(await ask(second, port, '2'), 'a 2')
  let answers = 0
  third.on('message', () => (answers += 1))
  third.send('3', port, '127.0.0.1')
  first.send('x'.repeat(101), port, '127.0.0.1')
  let strange = 0
  first.on('message', (bytes) => (strange += bytes.toString() === 'stranger' ? 1 : 0))
  const stranger = await udpSocket(t)
  for (const upstream of server.peers) stranger.send('stranger', upstream, '127.0.0.1')
  await until(() => /no_route\{[^}]*\} 1/.test(proxy.metrics.render()), 'the third client is counted')
  await until(() => /datagrams_dropped\{[^}]*\} 1/.test(proxy.metrics.render()), 'the large one is counted')
  assert.equal(await ask(first, port, '4'), 'a 4')
  assert.deepEqual([answers, strange], [0, 0])
})

test('a UDP listener keeps its socket and sessions when its listener changes, and lets go when it is taken away', async (t) => {
  const server = await udpServer(t, 'a')
  const clusters = [staticCluster('b', [server.port])]
  const proxy = await proxyFor(t, { listeners: [udpListener('in', { cluster: 'b' })], clusters })
  const port = proxy.portOf('in')
  const socket = await udpSocket(t)
  assert.equal(await ask(socket, port, '1'), 'a 1')
  proxy.apply({ listeners: [udpListener('in', { cluster: 'b', idleTimeout: '9s' })], clusters })
  assert.equal(await ask(socket, port, '2'), 'a 2')
  assert.equal(server.peers.size, 1)
  proxy.apply({ listeners: [], clusters })
  await until(() => proxy.connections.length === 1, 'its session is reported')
  const again = createSocket('udp4')
  t.after(() => again.close())
  await until(() => proxy.portOf('in') === 0, 'it is gone')
  again.bind(port, '127.0.0.1')
  await once(again, 'listening')
})
