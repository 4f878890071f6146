// Requests that are sent again beside a slow one, on real sockets. What becomes of them next to Envoy: tests/interop/protocol/cases/hedges.ts.
import assert from 'node:assert/strict'
import type { ServerHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { h2Backend } from './http2-ends.ts'
import {
  everythingTo,
  httpListener,
  httpOptions,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from './proxy-under-test.ts'
import { converse, type RawBackend, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n${more}\r\n`
const answer = (body: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`

interface Hedging {
  readonly policy?: JsonObject
  readonly action?: JsonObject
  readonly cluster?: JsonObject
}

async function hedging(
  t: TestContext,
  backend: { readonly port: number; close?(): Promise<void> },
  { policy = {}, action = {}, cluster = {} }: Hedging = {},
): Promise<ProxyUnderTest> {
  const retryPolicy = {
    retryOn: '5xx',
    numRetries: 1,
    perTryTimeout: '0.05s',
    retryBackOff: { baseInterval: '0.001s' },
    ...policy,
  }
  const route = everythingTo('b', { hedgePolicy: { hedgeOnPerTryTimeout: true }, retryPolicy, ...action })
  const proxy = await startProxy({
    listeners: [httpListener('in', route)],
    clusters: [staticCluster('b', [backend.port], cluster)],
  })
  t.after(async () => {
    await proxy.close()
    await backend.close?.()
  })
  return proxy
}

/** Whatever a connection receives as a whole is answered a good while after a try has become too slow. */
const answeringLate = (): Promise<RawBackend> =>
  rawBackend((socket, text) => {
    const [head = '', body = ''] = text.split('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (body.length === length) setTimeout(() => socket.end(answer('late')), 200)
  })

/** One more request than hedging needs would be refused. */
const twoRequests = { circuitBreakers: { thresholds: [{ maxRequests: 2 }] } }

test('the answer that comes first is taken, the other request is given up, and nothing stays counted', async (t) => {
  const ended = new Set<number>()
  const backend = await rawBackend((socket, _text, connection) => {
    socket.on('close', () => ended.add(connection))
    if (connection % 2 === 1) socket.end(answer('second'))
  })
  const proxy = await hedging(t, backend, { cluster: twoRequests })
  for (let at = 0; at < 4; at++) assert.match(await converse(proxy.portOf('in'), [get()]), /200 OK[^]*second$/)
  assert.equal(backend.connections, 8)
  assert.deepEqual(
    proxy.exchanges.map(({ attempts }) => attempts),
    [2, 2, 2, 2],
  )
  await until(() => ended.size === 8, 'the slow ones are given up')
})

test('over HTTP/2 the slow stream alone is given up', async (t) => {
  let slow: ServerHttp2Stream | undefined
  const backend = await h2Backend(t, (stream, _headers, index) => {
    if (index > 0) {
      stream.respond({ ':status': 200 })
      return void stream.end('second')
    }
    slow = stream
  })
  const http2 = httpOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } })
  const proxy = await hedging(t, backend, { cluster: http2 })
  assert.match(await converse(proxy.portOf('in'), [get()]), /second/)
  await until(() => slow?.closed === true, 'the slow stream is given up')
  assert.equal(slow?.aborted, true)
  assert.match(await converse(proxy.portOf('in'), [get()]), /second/)
  assert.equal(backend.connections, 1)
})

test('an interim answer decides: what comes behind it is the answer, and the others are given up', async (t) => {
  const sockets: Socket[] = []
  const backend = await rawBackend((socket, _text, connection) => {
    sockets[connection] = socket
    const [first] = sockets
    if (connection !== 1) return
    first?.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
    socket.on('close', () => first?.end(answer('first')))
  })
  const proxy = await hedging(t, backend)
  assert.match(await converse(proxy.portOf('in'), [get()]), /^HTTP\/1\.1 103 [^]*HTTP\/1\.1 200 OK[^]*first$/)
})

test('a client that goes takes all of them along', async (t) => {
  const ended = new Set<number>()
  const backend = await rawBackend((socket, _text, connection) => {
    socket.on('close', () => ended.add(connection))
    if (connection >= 3) socket.end(answer('later'))
  })
  const proxy = await hedging(t, backend, {
    policy: { numRetries: 2 },
    cluster: { circuitBreakers: { thresholds: [{ maxRequests: 3 }] } },
  })
  const client = connect(proxy.portOf('in'), '127.0.0.1')
  client.on('error', () => {})
  client.write(get())
  await until(() => backend.connections === 3, 'three are asked')
  client.resetAndDestroy()
  await until(() => ended.size === 3, 'and given up')
  assert.match(await converse(proxy.portOf('in'), [get()]), /later$/)
  assert.equal(proxy.exchanges[0]?.flags, 'DC')
})

test('the budget of retries bounds what is sent beside', async (t) => {
  const backend = await answeringLate()
  const proxy = await hedging(t, backend, { cluster: { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } } })
  assert.match(await converse(proxy.portOf('in'), [get()]), /late$/)
  assert.equal(backend.connections, 1)
  assert.equal(proxy.exchanges[0]?.flags, 'UO')
})

test('a request that its policy holds to be unrepeatable is sent once', async (t) => {
  const policy = { retriableRequestHeaders: [{ name: ':method', stringMatch: { exact: 'GET' } }] }
  const backend = await answeringLate()
  const proxy = await hedging(t, backend, { policy })
  const post = 'POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi'
  assert.match(await converse(proxy.portOf('in'), [post]), /late$/)
  assert.equal(backend.connections, 1)
  assert.equal(proxy.exchanges[0]?.attempts, 1)
})

test('a body that is too long to be kept is sent once', async (t) => {
  const backend = await answeringLate()
  const proxy = await hedging(t, backend)
  const body = 'x'.repeat(1_200_000)
  const post = `POST / HTTP/1.1\r\nHost: s\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  assert.match(await converse(proxy.portOf('in'), [post, body]), /late$/)
  assert.equal(backend.connections, 1)
})

test('a slow one that is waited for may not last longer than a stream may', async (t) => {
  const backend = await rawBackend((socket, _text, connection) => {
    if (connection === 1) socket.end(answer('busy', '503 Busy'))
  })
  const lasting = httpOptions({
    explicitHttpConfig: { httpProtocolOptions: {} },
    commonHttpProtocolOptions: { maxStreamDuration: '2s' },
  })
  const proxy = await hedging(t, backend, { action: { timeout: '0s' }, cluster: lasting })
  assert.match(await converse(proxy.portOf('in'), [get()]), /^HTTP\/1\.1 504 [^]*upstream max stream duration reached$/)
  assert.equal(backend.connections, 2)
})

test('an endpoint that is slow again and again is left out, though its late answers pass', async (t) => {
  const backend = await rawBackend((socket) => {
    setTimeout(() => socket.end(answer('late')), 150)
  })
  const proxy = await hedging(t, backend, {
    policy: { numRetries: 0 },
    cluster: {
      commonLbConfig: { healthyPanicThreshold: { value: 0 } },
      outlierDetection: {
        consecutiveGatewayFailure: 1,
        enforcingConsecutiveGatewayFailure: 100,
        maxEjectionPercent: 100,
      },
    },
  })
  assert.match(await converse(proxy.portOf('in'), [get()]), /late$/)
  assert.match(await converse(proxy.portOf('in'), [get()]), /^HTTP\/1\.1 503 [^]*no healthy upstream$/)
})
