// Endpoints that fail are left out for a while, on real sockets.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering, converse, type RawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const get = 'GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const busy = 'HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy'
const watched = { lbPolicy: 'ROUND_ROBIN' }

async function proxyFor(
  context: TestContext,
  ports: readonly number[],
  outlierDetection: JsonObject,
  ...backends: RawBackend[]
): Promise<ProxyUnderTest> {
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', ports, { ...watched, outlierDetection })],
  })
  context.after(async () => {
    await proxy.close()
    for (const backend of backends) await backend.close()
  })
  return proxy
}

async function statuses(proxy: ProxyUnderTest, count: number): Promise<string> {
  const seen: string[] = []
  for (let at = 0; at < count; at++) seen.push((await converse(proxy.portOf('in'), [get])).slice(9, 12))
  return seen.join(' ')
}

const twoIn = { consecutive5xx: 2, maxEjectionPercent: 50, interval: '0.1s', baseEjectionTime: '0.1s' }

test('an endpoint with bad answers is left out, and comes back', async (t) => {
  let mended = false
  const [bad, good] = await Promise.all([answering(() => (mended ? ok : busy)), answering(ok)])
  const proxy = await proxyFor(t, [bad.port, good.port], { ...twoIn, baseEjectionTime: '1s' }, bad, good)
  assert.equal(await statuses(proxy, 4), '503 200 503 200')
  assert.equal(await statuses(proxy, 6), '200 200 200 200 200 200')
  mended = true
  const before = bad.connections
  await until(() => {
    void converse(proxy.portOf('in'), [get])
    return bad.connections > before || bad.received.join('').split('GET').length > 3
  }, 'the endpoint is asked again')
})

test('an endpoint that refuses connections is left out', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  const good = await answering(ok)
  const proxy = await proxyFor(t, [port, good.port], { ...twoIn, baseEjectionTime: '60s' }, good)
  assert.equal(await statuses(proxy, 4), '503 200 503 200')
  assert.equal(await statuses(proxy, 4), '200 200 200 200')
})

test('the last endpoints stay although they fail', async (t) => {
  const [one, other] = await Promise.all([answering(busy), answering(busy)])
  const proxy = await proxyFor(t, [one.port, other.port], { ...twoIn, maxEjectionPercent: 10 }, one, other)
  assert.equal(await statuses(proxy, 8), '503 503 503 503 503 503 503 503')
  assert.ok(one.received.join('').split('GET').length === other.received.join('').split('GET').length)
})

test('where nearly all fail, all are asked again: no request is refused for want of an endpoint', async (t) => {
  const backends = await Promise.all([answering(busy), answering(busy)])
  const ports = backends.map(({ port }) => port)
  const proxy = await proxyFor(t, ports, { ...twoIn, baseEjectionTime: '60s', maxEjectionPercent: 100 }, ...backends)
  await statuses(proxy, 8)
  assert.ok(
    proxy.exchanges.every(({ flags }) => flags === ''),
    proxy.exchanges.map(({ flags }) => flags).join(),
  )
})

test('an endpoint that succeeds less often than the others of its cluster is left out', async (t) => {
  let asked = 0
  const uneven = await answering(() => (asked++ % 2 === 0 ? busy : ok))
  const others = await Promise.all([answering(ok), answering(ok)])
  const backends = [uneven, ...others]
  const rules = { successRateMinimumHosts: 3, successRateRequestVolume: 5, successRateStdevFactor: 1_000 }
  const ports = backends.map(({ port }) => port)
  const proxy = await proxyFor(
    t,
    ports,
    { ...rules, interval: '0.1s', baseEjectionTime: '60s', maxEjectionPercent: 50, consecutive5xx: 1_000 },
    ...backends,
  )
  await until(async () => !(await statuses(proxy, 30)).includes('503'), 'it is left out')
  const before = asked
  await statuses(proxy, 9)
  assert.equal(asked, before)
})
