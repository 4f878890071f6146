// Copies of requests, on real sockets: they tell the same, and nothing that becomes of them reaches the client.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { within } from '@weft/testkit/within'
import {
  anyHost,
  httpListener,
  httpOptions,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from './proxy-under-test.ts'
import { answering, converse, type RawBackend, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const ask = (head: string, body = ''): string => `${head}\r\nHost: shop:80\r\nConnection: close\r\n\r\n${body}`
const plain = ask('GET /books HTTP/1.1\r\nx-user: jason')
const all = { defaultValue: { numerator: 100, denominator: 'HUNDRED' } }
const none = { defaultValue: { numerator: 0, denominator: 'HUNDRED' } }

interface Scene {
  readonly proxy: ProxyUnderTest
  readonly main: RawBackend
  readonly mirror: RawBackend
}

/** A proxy with a main cluster and the clusters `one` and `two` for copies, which are one server. */
async function scene(
  t: TestContext,
  levels: { readonly route?: JsonObject; readonly host?: JsonObject; readonly config?: JsonObject },
  given: { readonly mirror?: RawBackend; readonly main?: RawBackend; readonly cluster?: JsonObject } = {},
): Promise<Scene> {
  const main = given.main ?? (await answering(ok))
  const mirror = given.mirror ?? (await answering('HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno'))
  const route = { match: { prefix: '/' }, route: { cluster: 'main', ...levels.route } }
  const proxy = await startProxy({
    listeners: [httpListener('in', { ...anyHost([route], levels.host), ...levels.config })],
    clusters: [
      staticCluster('main', [main.port]),
      staticCluster('one', [mirror.port], given.cluster),
      staticCluster('two', [mirror.port]),
    ],
  })
  t.after(async () => {
    await proxy.close()
    await main.close()
    await mirror.close()
  })
  return { proxy, main, mirror }
}

const to = (cluster: string, more: JsonObject = {}): JsonObject => ({ requestMirrorPolicies: [{ cluster, ...more }] })
const seen = ({ received }: RawBackend): string => received.join('\n')

test('a copy tells the same and that it is one; its answer is thrown away', async (t) => {
  const { proxy, main, mirror } = await scene(t, { route: to('one') })
  assert.match(await converse(proxy.portOf('in'), [plain]), /^HTTP\/1\.1 200 OK\r\n[^]*ok$/)
  await until(() => seen(mirror).endsWith('\r\n\r\n'), 'the copy arrives')
  assert.match(seen(mirror), /^GET \/books HTTP\/1\.1\r\n/)
  assert.match(seen(mirror), /^host: shop-shadow:80\r$/im)
  assert.match(seen(mirror), /^x-user: jason\r$/im)
  assert.match(seen(mirror), /^x-envoy-internal: true\r$/m)
  assert.match(seen(mirror), /^x-forwarded-for: 127\.0\.0\.1\r$/m)
  const id = /x-request-id: (.*)/.exec(seen(main))?.[1]
  assert.match(seen(mirror), new RegExp(`x-request-id: ${id}`))
  assert.equal(proxy.exchanges.length, 1)
})

test('rewrites concern the copy too, and its host may stay as it is', async (t) => {
  const route = {
    prefixRewrite: '/new/',
    hostRewriteLiteral: 'x',
    ...to('one', { disableShadowHostSuffixAppend: true }),
  }
  const { proxy, mirror } = await scene(t, { route })
  await converse(proxy.portOf('in'), [plain])
  await until(() => seen(mirror).endsWith('\r\n\r\n'), 'the copy arrives')
  assert.match(seen(mirror), /^GET \/new\/books HTTP\/1\.1\r\n[^]*^host: x\r$/im)
})

test('bodies and their framing are copied', async (t) => {
  const { proxy, mirror } = await scene(t, { route: to('one') })
  await converse(proxy.portOf('in'), [ask('POST / HTTP/1.1\r\nContent-Length: 5', 'he'), 'llo'])
  await until(() => seen(mirror).endsWith('\r\n\r\nhello'), 'the copy arrives')
  const chunks = ['3\r\nabc\r\n', '0\r\n\r\n']
  await converse(proxy.portOf('in'), [ask('POST / HTTP/1.1\r\nTransfer-Encoding: chunked'), ...chunks])
  await until(() => seen(mirror).endsWith('3\r\nabc\r\n0\r\n\r\n'), 'the chunks arrive')
})

test('each policy sends a copy, shares and headers decide, and the nearest level that says anything holds', async (t) => {
  const route = {
    requestMirrorPolicies: [
      { cluster: 'one', runtimeFraction: all },
      { cluster: 'one', runtimeFraction: none },
      { clusterHeader: 'x-mirror' },
      { clusterHeader: 'x-absent' },
      { cluster: 'nobody' },
    ],
  }
  const { proxy, mirror } = await scene(t, { route, host: to('two'), config: to('two') })
  await converse(proxy.portOf('in'), [ask('GET / HTTP/1.1\r\nx-mirror: two')])
  await until(() => seen(mirror).split('GET ').length === 3, 'two copies arrive')
  for (const levels of [{ host: to('two') }, { config: to('two') }]) {
    const wider = await scene(t, levels)
    await converse(wider.proxy.portOf('in'), [plain])
    await until(() => seen(wider.mirror).includes('GET /books'), 'the copy arrives')
  }
})

test('a mirror that never answers, refuses or resets neither slows nor fails the request', async (t) => {
  const silent = await rawBackend(() => {})
  const resetting = await rawBackend((socket) => socket.resetAndDestroy())
  for (const mirror of [silent, resetting]) {
    const { proxy } = await scene(t, { route: { timeout: '0.2s', ...to('one') } }, { mirror })
    for (let at = 0; at < 5; at++) assert.match(await converse(proxy.portOf('in'), [plain]), / 200 OK\r\n[^]*ok$/)
    await until(() => mirror.connections >= 1, 'copies were sent')
    assert.ok(proxy.exchanges.every(({ flags, status }) => flags === '' && status === 200))
  }
})

test('copies beyond the limits of their cluster are not sent', async (t) => {
  const silent = await rawBackend(() => {})
  const cluster = { circuitBreakers: { thresholds: [{ maxRequests: 2 }] } }
  const { proxy } = await scene(t, { route: { timeout: '5s', ...to('one') } }, { mirror: silent, cluster })
  for (let at = 0; at < 6; at++) assert.match(await converse(proxy.portOf('in'), [plain]), / 200 OK/)
  assert.equal(silent.connections, 2)
})

test('a large body that its mirror does not take reaches the upstream as a whole', async (t) => {
  const stuck = await rawBackend((socket) => void socket.pause())
  const size = 24 * 1024 * 1024
  let got = 0
  const main = await rawBackend((socket, text) => {
    got = text.length
    if (got >= size) socket.end(ok)
  })
  const { proxy } = await scene(t, { route: to('one') }, { mirror: stuck, main })
  const piece = Buffer.alloc(1024 * 1024, 97)
  const head = ask(`POST / HTTP/1.1\r\nContent-Length: ${size}`)
  const answer = await converse(proxy.portOf('in'), [head, ...Array.from({ length: 24 }, () => piece)])
  assert.match(answer, /^HTTP\/1\.1 200 OK/)
})

test('a request whose client goes away takes its copy with it', async (t) => {
  const mirror = await rawBackend(() => {})
  const { proxy } = await scene(t, { route: to('one') }, { mirror })
  const ended = new Promise((resolve) => mirror.server.once('connection', (socket) => socket.once('close', resolve)))
  await converse(
    proxy.portOf('in'),
    [ask('POST / HTTP/1.1\r\nContent-Length: 50', 'half')],
    () => mirror.connections > 0,
  )
  await within('the end of the copy', ended)
})

test('a copy may speak HTTP/2 although the request does not', async (t) => {
  const mirror = await rawBackend(() => {})
  const cluster = httpOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } })
  const { proxy } = await scene(t, { route: to('one') }, { mirror, cluster })
  assert.match(await converse(proxy.portOf('in'), [plain]), / 200 OK/)
  await until(() => seen(mirror).startsWith('PRI * HTTP/2.0'), 'the copy arrives')
})

test('a request that has nowhere to go has no copies either', async (t) => {
  const main = await answering(ok)
  const mirror = await answering(ok)
  const routes = anyHost([
    { match: { prefix: '/lost' }, route: { cluster: 'empty', ...to('one') } },
    { match: { prefix: '/' }, route: { cluster: 'main', ...to('one') } },
  ])
  const clusters = [staticCluster('empty', []), staticCluster('main', [main.port]), staticCluster('one', [mirror.port])]
  const proxy = await startProxy({ listeners: [httpListener('in', routes)], clusters })
  t.after(async () => {
    await proxy.close()
    await main.close()
    await mirror.close()
  })
  assert.match(await converse(proxy.portOf('in'), [ask('GET /lost HTTP/1.1')]), /^HTTP\/1\.1 503 /)
  assert.match(await converse(proxy.portOf('in'), [ask('GET /found HTTP/1.1')]), /^HTTP\/1\.1 200 /)
  // The copy of the later request would come after that of the earlier one.
  await until(() => seen(mirror).includes('GET /found'), 'the copy arrives')
  assert.doesNotMatch(seen(mirror), /lost/)
})
