import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { atRest } from '@weft/testkit/at-rest'
import { once } from '@weft/testkit/once'
import { writeProxyHeader } from '../../packages/proxy/src/proxy-protocol/write-proxy-header.ts'
import { client, listenerFilter, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { proxyFor, staticCluster } from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

const listening = (...filters: ReturnType<typeof tcpProxy>[]) => [tcpListener('in', { filterChains: [{ filters }] })]

/** A port of loopback on which nobody listens. */
const nobody = 1

test('each direction ends on its own', async (t) => {
  const backend = await tcpServer(t, (socket) => {
    socket.end('all I have to say')
    socket.on('data', (bytes) => received.push(bytes))
    socket.on('end', () => (ended = true))
  })
  const received: Buffer[] = []
  let ended = false
  const proxy = await proxyFor(t, {
    listeners: listening(tcpProxy('b')),
    clusters: [staticCluster('b', [backend.port])],
  })
  const from = await client(t, proxy.portOf('in'))
  await from.ended
  assert.equal(from.text(), 'all I have to say')
  from.socket.write('and now I')
  await until(() => received.length > 0, 'bytes after the end of the other direction')
  assert.equal(ended, false)
  from.socket.end()
  await until(() => ended, 'the end')
  await until(() => proxy.connections.length === 1, 'the record')
  const [record] = proxy.connections
  assert.deepEqual([record?.bytesReceived, record?.bytesSent, record?.flags.join()], [9, 17, ''])
})

test('a slow reader holds the writer back, in both directions', async (t) => {
  const pieces = 400
  const piece = Buffer.alloc(64 * 1024, 'weft')
  const expected = createHash('sha256')
  for (let at = 0; at < pieces; at++) expected.update(piece)
  const digest = expected.digest('hex')
  let written = 0
  const pour = async (socket: Socket): Promise<void> => {
    for (let at = 0; at < pieces; at++) {
      written += piece.length
      if (!socket.write(piece)) await once(socket, 'drain')
    }
    socket.end()
  }
  const drink = async (socket: Socket): Promise<string> => {
    const hash = createHash('sha256')
    for await (const chunk of socket) hash.update(chunk as Buffer)
    return hash.digest('hex')
  }
  const source = await tcpServer(t, (socket) => void pour(socket))
  const sink = await tcpServer(t, (socket) => void socket.pause())
  for (const direction of ['down', 'up'] as const) {
    written = 0
    const { port } = direction === 'down' ? source : sink
    const proxy = await proxyFor(t, { listeners: listening(tcpProxy('b')), clusters: [staticCluster('b', [port])] })
    const socket = connect({ port: proxy.portOf('in'), host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => socket.destroy())
    if (direction === 'up') void pour(socket)
    else socket.pause()
    await atRest(() => written, 'what is written')
    // What the kernel's buffers of two connections take, and not the 25 MB.
    assert.ok(written < 16 * 1024 * 1024, `${direction}: ${written} bytes were taken`)
    const [reader] = direction === 'down' ? [socket] : sink.sockets
    assert.ok(reader !== undefined)
    assert.equal(await drink(reader), digest)
  }
})

test('weights decide, an idle connection ends without a flag, a long one with DT', async (t) => {
  const names: string[] = []
  const server = (name: string) => tcpServer(t, () => names.push(name))
  const [a, b] = [await server('a'), await server('b')]
  const clusters = [staticCluster('a', [a.port]), staticCluster('b', [b.port])]
  const weightedClusters = {
    clusters: [
      { name: 'a', weight: 3 },
      { name: 'b', weight: 1 },
    ],
  }
  const idle = await proxyFor(t, {
    listeners: listening(tcpProxy(undefined, { weightedClusters, idleTimeout: '0.05s' })),
    clusters,
  })
  for (let at = 0; at < 60; at++) await client(t, idle.portOf('in'))
  await until(() => idle.connections.length === 60, 'all are idle for too long')
  assert.ok(idle.connections.every(({ flags }) => flags.length === 0))
  const toA = names.filter((name) => name === 'a').length
  assert.ok(toA > 28 && toA < 59, `${toA} of 60 to a cluster with three quarters of the weight`)
  const long = await proxyFor(t, {
    listeners: listening(tcpProxy('a', { maxDownstreamConnectionDuration: '0.1s' })),
    clusters,
  })
  const from = await client(t, long.portOf('in'))
  const timer = setInterval(() => from.socket.write('busy'), 10)
  t.after(() => clearInterval(timer))
  await until(() => long.connections.length === 1, 'the end of a busy connection')
  assert.equal(long.connections[0]?.flags.join(), 'DT')
})

test('another endpoint is tried as often as max_connect_attempts says', async (t) => {
  const backend = await tcpServer(t, (socket) => socket.pipe(socket))
  const clusters = [staticCluster('b', [nobody, backend.port], { lbPolicy: 'ROUND_ROBIN' })]
  const twice = await proxyFor(t, { listeners: listening(tcpProxy('b', { maxConnectAttempts: 2 })), clusters })
  for (let at = 0; at < 4; at++) {
    const from = await client(t, twice.portOf('in'))
    from.socket.end('x')
    await from.ended
    assert.equal(from.text(), 'x')
  }
  await until(() => twice.connections.length === 4, 'the records')
  assert.ok(twice.connections.some(({ upstream }) => upstream?.attempts === 2))
  const once_ = await proxyFor(t, { listeners: listening(tcpProxy('b')), clusters: [staticCluster('b', [nobody])] })
  await (await client(t, once_.portOf('in'))).ended
  await until(() => once_.connections.length === 1, 'the record')
  assert.equal(once_.connections[0]?.flags.join(), 'UF,URX')
  assert.match(once_.connections[0]?.upstream?.transportFailure ?? '', /ECONNREFUSED/)
})

test('no cluster, no endpoint and too many connections each have their flag', async (t) => {
  const backend = await tcpServer(t, (socket) => socket.on('end', () => socket.end()).resume())
  const full = staticCluster('full', [backend.port], { circuitBreakers: { thresholds: [{ maxConnections: 1 }] } })
  for (const [cluster, flag] of [
    ['missing', 'NC'],
    ['empty', 'UH'],
    ['full', 'UO'],
  ] as const) {
    const proxy = await proxyFor(t, {
      listeners: listening(tcpProxy(cluster)),
      clusters: [staticCluster('empty', []), full],
    })
    const first = await client(t, proxy.portOf('in'))
    if (cluster === 'full') {
      await until(() => backend.sockets.size === 1, 'the first connection')
      await (await client(t, proxy.portOf('in'))).ended
    } else await first.ended
    await until(() => proxy.connections.length === 1, 'the record')
    assert.equal(proxy.connections[0]?.flags.join(), flag)
    if (cluster !== 'full') continue
    first.socket.destroy()
    await until(() => backend.sockets.size === 0, 'the first connection is over')
    await until(() => proxy.connections.length === 2, 'the proxy knows that')
    await client(t, proxy.portOf('in'))
    await until(() => backend.sockets.size === 1, 'there is room again')
  }
})

test('an ORIGINAL_DST cluster goes where the client meant to, and never to ourselves', async (t) => {
  const backend = await tcpServer(t, (socket) => socket.pipe(socket))
  const clusters = [{ name: 'there', type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', connectTimeout: '1s' }]
  const told = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('proxy_protocol')],
        filterChains: [{ filters: [tcpProxy('there')] }],
      }),
    ],
    clusters,
  })
  const destination = { address: '127.0.0.1', port: backend.port }
  const from = await client(t, told.portOf('in'))
  const header = writeProxyHeader(1, { source: { address: '127.0.0.1', port: 9 }, destination })
  from.socket.end(Buffer.concat([header, Buffer.from('there')]))
  await from.ended
  assert.equal(from.text(), 'there')
  const untold = await proxyFor(t, { listeners: listening(tcpProxy('there')), clusters })
  await (await client(t, untold.portOf('in'))).ended
  await until(() => untold.connections.length === 1, 'the record')
  assert.equal(untold.connections[0]?.flags.join(), 'UH')
})

test('a tunnel is asked for by CONNECT, and bytes behind its answer belong to the stream', async (t) => {
  const heads: string[] = []
  let answer = ''
  const upstream = await tcpServer(t, (socket) => {
    let text = ''
    socket.on('data', (bytes) => {
      if (text.includes('\r\n\r\n')) return void socket.write(bytes)
      text += bytes.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      heads.push(text)
      for (const letter of answer) socket.write(letter)
    })
    socket.on('end', () => socket.end())
  })
  const tunnelingConfig = {
    hostname: 'db.example:3306',
    headersToAdd: [{ header: { key: 'x-from', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }],
  }
  const proxy = await proxyFor(t, {
    listeners: listening(tcpProxy('b', { tunnelingConfig, maxConnectAttempts: 2 })),
    clusters: [staticCluster('b', [upstream.port])],
  })
  answer = 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nserver: x\r\n\r\ngreeting '
  const from = await client(t, proxy.portOf('in'))
  from.socket.end('hello')
  await from.ended
  assert.equal(from.text(), 'greeting hello')
  assert.deepEqual(heads, ['CONNECT db.example:3306 HTTP/1.1\r\nhost: db.example:3306\r\nx-from: 127.0.0.1\r\n\r\n'])
  for (const [refusal, reason] of [
    ['HTTP/1.1 503 no\r\n\r\n', /answered with 503/],
    ['SSH-2.0-x\r\n\r\n', /cannot be read/],
  ] as const) {
    answer = refusal
    await (await client(t, proxy.portOf('in'))).ended
    await until(() => proxy.connections.at(-1)?.flags.join() === 'UF,URX', 'the failure')
    assert.match(proxy.connections.at(-1)?.upstream?.transportFailure ?? '', reason)
    assert.equal(proxy.connections.at(-1)?.upstream?.attempts, 2)
    proxy.connections.length = 0
  }
})
