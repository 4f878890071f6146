import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, get, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { atRest } from '@weft/testkit/at-rest'
import { once } from '@weft/testkit/once'
import { explicitHttp2, h2Backend } from './http2-ends.ts'
import { any, everythingTo, httpListener, httpOptions, manager, proxyFor, staticCluster } from './proxy-under-test.ts'
import { until } from './test-runtime.ts'

const pieces = 800
const piece = Buffer.alloc(64 * 1024, 'weft')

async function serve(t: TestContext, server: ReturnType<typeof createServer> | ReturnType<typeof createTcp>) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('50 MB come through to a slow reader without being held in memory', async (t) => {
  let written = 0
  const port = await serve(
    t,
    createServer((_request, response) => {
      let at = 0
      const more = (): void => {
        while (at++ < pieces) {
          written += piece.length
          if (!response.write(piece)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    }),
  )
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [port])],
  })
  const request = get({ port: proxy.portOf('in'), host: '127.0.0.1' })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.pause()
  await atRest(() => written, 'what the backend writes')
  assert.ok(written < 20 * 1024 * 1024, `the backend was held back, wrote ${written}`)
  const hash = createHash('sha256')
  let received = 0
  for await (const chunk of response) {
    received += (chunk as Buffer).length
    hash.update(chunk as Buffer)
  }
  assert.equal(received, pieces * piece.length)
  const expected = createHash('sha256')
  for (let at = 0; at < pieces; at++) expected.update(piece)
  assert.equal(hash.digest('hex'), expected.digest('hex'))
})

test('50 MB go up to a slow server without being held in memory', async (t) => {
  let received = 0
  const hash = createHash('sha256')
  const port = await serve(
    t,
    createServer((request, response) => {
      request.pause()
      setTimeout(() => request.resume(), 300)
      request.on('data', (chunk: Buffer) => {
        received += chunk.length
        hash.update(chunk)
      })
      request.on('end', () => response.end('done'))
    }),
  )
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [port])],
  })
  const request = httpRequest({
    port: proxy.portOf('in'),
    host: '127.0.0.1',
    method: 'POST',
    headers: { 'content-length': String(pieces * piece.length) },
  })
  const answered = once(request, 'response')
  let sentEarly = 0
  const startMs = performance.now()
  const expected = createHash('sha256')
  for (let at = 0; at < pieces; at++) {
    expected.update(piece)
    if (!request.write(piece)) await once(request, 'drain')
    if (performance.now() - startMs < 250) sentEarly += piece.length
  }
  request.end()
  const [response] = (await answered) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  assert.ok(sentEarly < 20 * 1024 * 1024, `the client was held back, sent ${sentEarly}`)
  assert.equal(received, pieces * piece.length)
  assert.equal(hash.digest('hex'), expected.digest('hex'))
  assert.equal(proxy.exchanges[0]?.bytesReceived, received)
})

test('clients whose requests begin with much of their bodies are held back, too, when they share a slow connection', async (t) => {
  const backend = await h2Backend(t, () => {})
  const proxy = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [backend.port], httpOptions(explicitHttp2))],
  })
  const head = `POST / HTTP/1.1\r\nHost: s\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`
  let sent = 0
  for (let index = 0; index < 4; index++) {
    const client = connect(proxy.portOf('in'), '127.0.0.1')
    t.after(() => void client.destroy())
    client.on('error', () => {})
    let at = 0
    const more = (error?: Error | null): void => {
      if (error || at++ === pieces) return
      sent += piece.length
      client.write(piece, more)
    }
    client.write(Buffer.concat([Buffer.from(head), piece, piece]), more)
  }
  await until(() => backend.requests.length === 4, 'all requests have gone up')
  const held = await atRest(() => sent, 'what the clients send')
  assert.ok(held < 4 * 16 * 1024 * 1024, `the clients were held back, sent ${held}`)
})

const connectRoutes = {
  name: 'routes',
  virtualHosts: [
    {
      name: 'any',
      domains: ['*'],
      routes: [
        {
          match: { connectMatcher: {} },
          route: { cluster: 'tunnel', upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }] },
        },
        { match: { prefix: '/' }, route: { cluster: 'b' } },
      ],
    },
  ],
}
const tunnelListener = {
  name: 'tunnel',
  internalListener: {},
  filterChains: [{ filters: [manager(connectRoutes)] }],
}
const tunnelCluster = {
  name: 'tunnel',
  type: 'STATIC',
  loadAssignment: {
    clusterName: 'tunnel',
    endpoints: [
      {
        lbEndpoints: [
          { endpoint: { address: { envoyInternalAddress: { serverListenerName: 'tunnel', endpointId: 'x' } } } },
        ],
      },
    ],
  },
}

test('the inside of a CONNECT tunnel is treated as any request: fetch through HTTP_PROXY', async (t) => {
  const port = await serve(
    t,
    createServer((request, response) => {
      response.end(`${request.method} ${request.headers.host} ${request.url}`)
    }),
  )
  const proxy = await proxyFor(t, {
    listeners: [httpListener('out', connectRoutes, { upgradeConfigs: [{ upgradeType: 'CONNECT' }] }), tunnelListener],
    clusters: [staticCluster('b', [port]), tunnelCluster],
  })
  const { execFile } = await import('node:child_process')
  const script = `
    for (let at = 0; at < 3; at++) {
      const answer = await fetch('http://catalog/books?n=' + at)
      console.log(answer.status, await answer.text())
    }`
  const child = execFile(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      ...process.env,
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: `http://127.0.0.1:${proxy.portOf('out')}`,
      NO_PROXY: '',
    },
  })
  let output = ''
  child.stdout?.on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk: string) => {
    output += chunk
  })
  await once(child, 'close')
  assert.equal(output, [0, 1, 2].map((at) => `200 GET catalog /books?n=${at}\n`).join(''))
  const inside = proxy.exchanges.filter(({ method }) => method === 'GET')
  assert.deepEqual(
    inside.map(({ status, cluster }) => [status, cluster]),
    [200, 200, 200].map((status) => [status, 'b']),
  )
  await until(
    () => proxy.exchanges.some(({ method, status }) => method === 'CONNECT' && status === 200),
    'tunnel logged',
  )
})

test('CONNECT is refused where it is not switched on', async (t) => {
  const proxy = await proxyFor(t, {
    listeners: [httpListener('out', everythingTo('b'))],
    clusters: [staticCluster('b', [1])],
  })
  const socket = connect(proxy.portOf('out'), '127.0.0.1')
  socket.write('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 (403|404) /)
  socket.destroy()
})

const tcpListener = (cluster: string) => ({
  name: 'tcp',
  address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
  filterChains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.tcp_proxy',
          typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { statPrefix: 'tcp', cluster }),
        },
      ],
    },
  ],
})

test('TCP: each direction ends by itself', async (t) => {
  const port = await serve(
    t,
    createTcp({ allowHalfOpen: true }, (socket: Socket) => {
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('end', () => socket.end(text.toUpperCase()))
    }),
  )
  const proxy = await proxyFor(t, { listeners: [tcpListener('b')], clusters: [staticCluster('b', [port])] })
  const socket = connect({ port: proxy.portOf('tcp'), host: '127.0.0.1', allowHalfOpen: true })
  socket.end('hello')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  await once(socket, 'close')
  assert.equal(answer, 'HELLO')
  await until(() => proxy.connections.length === 1, 'reported')
  assert.equal(proxy.connections[0]?.bytesReceived, 5)
})
