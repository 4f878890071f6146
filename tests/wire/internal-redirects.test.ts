// Redirects that the proxy follows itself, on real sockets. Beside Envoy: tests/interop/protocol/cases/internal-redirects.ts.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering, converse, type RawBackend, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const moved = (location: string): string => `HTTP/1.1 302 Found\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`
const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const get = (path = '/here'): string => `GET ${path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`
const post = (length: number): string =>
  `POST /here HTTP/1.1\r\nHost: s\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`

async function following(
  t: TestContext,
  backend: RawBackend,
  policy: JsonObject = {},
  action: JsonObject = {},
): Promise<ProxyUnderTest> {
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b', { internalRedirectPolicy: policy, ...action }))],
    clusters: [staticCluster('b', [backend.port])],
  })
  t.after(async () => {
    await proxy.close()
    await backend.close()
  })
  return proxy
}

test('the client sees the answer from where the request was sent, over the connection that is free again', async (t) => {
  const backend = await answering((number) => (number % 2 === 0 ? moved('http://s/there') : answer('there')))
  const proxy = await following(t, backend)
  for (let at = 0; at < 3; at++) assert.match(await converse(proxy.portOf('in'), [get()]), /200 OK[^]*there$/)
  assert.equal(backend.connections, 1)
  assert.deepEqual(
    proxy.exchanges.map(({ path, status, details }) => `${path} ${status} ${details}`),
    Array.from({ length: 3 }, () => ['/here 302 internal_redirect', '/there 200 via_upstream']).flat(),
  )
})

test('what was followed is counted by cluster, what was passed on by its reason', async (t) => {
  const locations = ['http://s/there', 'http://s/more', '/relative', 'https://s/']
  const backend = await answering((number) => moved(locations[number] ?? ''))
  const proxy = await following(t, backend)
  for (let at = 0; at < 3; at++) assert.match(await converse(proxy.portOf('in'), [get()]), /302 Found/)
  const told = proxy.metrics.renderPlain()
  for (const line of [
    'envoy_cluster_upstream_internal_redirect_succeeded_total{envoy_cluster_name="b"}: 1',
    'envoy_cluster_upstream_internal_redirect_failed_total{envoy_cluster_name="b"}: 3',
    'envoy_http_passthrough_internal_redirect_too_many_redirects{envoy_http_conn_manager_prefix="test"}: 1',
    'envoy_http_passthrough_internal_redirect_bad_location{envoy_http_conn_manager_prefix="test"}: 1',
    'envoy_http_passthrough_internal_redirect_unsafe_scheme{envoy_http_conn_manager_prefix="test"}: 1',
  ])
    assert.ok(told.includes(line), `${line} in\n${told}`)
})

test('a request that goes in circles comes back after as many rounds as its route allows', async (t) => {
  const backend = await answering(moved('http://s/round'))
  const proxy = await following(t, backend, { maxInternalRedirects: 200 })
  assert.match(await converse(proxy.portOf('in'), [get()]), /302 Found/)
  assert.equal(proxy.exchanges.length, 201)
  assert.equal(backend.connections, 1)
})

/** Whatever has come as a whole is sent elsewhere, then answered with the length of its body. */
const sendingElsewhere = (): Promise<RawBackend> => {
  const served = new Map<number, number>()
  return rawBackend((socket, text, connection) => {
    const from = served.get(connection) ?? 0
    const head = text.indexOf('\r\n\r\n', from)
    const length = Number(/content-length: (\d+)/i.exec(text.slice(from, head))?.[1] ?? 0)
    if (head < 0 || text.length < head + 4 + length) return
    served.set(connection, head + 4 + length)
    socket.write(text.startsWith('POST /here', from) ? moved('http://s/there') : answer(`${length} bytes`))
  })
}

test('a body goes with its request; one that is too large to be kept stays, and the client is sent elsewhere', async (t) => {
  const backend = await sendingElsewhere()
  const proxy = await following(t, backend)
  assert.match(await converse(proxy.portOf('in'), [post(600_000)]), /200 OK[^]*600000 bytes$/)
  assert.match(await converse(proxy.portOf('in'), [post(1_200_000)]), /302 Found/)
})

test('a client that goes away while its request goes on takes it along', async (t) => {
  let ended = false
  const backend = await rawBackend((socket, text) => {
    socket.on('close', () => (ended = true))
    if (!text.includes('GET /there ')) socket.write(moved('http://s/there'))
  })
  const proxy = await following(t, backend)
  const client = connect(proxy.portOf('in'), '127.0.0.1', () => client.write(get()))
  await until(() => backend.received[0]?.includes('/there') === true, 'the request goes on')
  client.resetAndDestroy()
  await until(() => ended, 'it is given up')
  assert.deepEqual(
    proxy.exchanges.map(({ status, flags }) => [status, flags]),
    [
      [302, ''],
      [0, 'DC'],
    ],
  )
})

test('limits hold for requests that go on: none stays counted', async (t) => {
  const backend = await answering((number) => (number % 2 === 0 ? moved('http://s/there') : answer('there')))
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b', { internalRedirectPolicy: {} }))],
    clusters: [staticCluster('b', [backend.port], { circuitBreakers: { thresholds: [{ maxRequests: 1 }] } })],
  })
  t.after(async () => {
    await proxy.close()
    await backend.close()
  })
  for (let at = 0; at < 4; at++) assert.match(await converse(proxy.portOf('in'), [get()]), /200 OK/)
})
