// The CORS filter of a proxy on real sockets; what it says in full is compared with Envoy in tests/interop/protocol.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import {
  any,
  cors,
  corsPolicy,
  httpListener,
  type ProxyUnderTest,
  router,
  startProxy,
  staticCluster,
} from './proxy-under-test.ts'
import { answering, converse, type RawBackend } from './raw-http.ts'

const shop = { allowOriginStringMatch: [{ exact: 'https://shop.example' }], allowMethods: 'GET' }
const send = (method: string, origin: string, more = ''): string =>
  `${method} / HTTP/1.1\r\nHost: s\r\nOrigin: ${origin}\r\nConnection: close\r\n${more}\r\n`
const preflight = (origin: string): string => send('OPTIONS', origin, 'Access-Control-Request-Method: GET\r\n')

async function behind(context: TestContext, backend: RawBackend, policy: JsonObject): Promise<ProxyUnderTest> {
  const route = { match: { prefix: '/' }, route: { cluster: 'b' }, ...policy }
  const routes = { name: 'r', virtualHosts: [{ name: 'any', domains: ['*'], routes: [route] }] }
  const proxy = await startProxy({
    listeners: [httpListener('in', routes, { httpFilters: [cors, router] })],
    clusters: [staticCluster('b', [backend.port])],
  })
  context.after(async () => {
    await proxy.close()
    await backend.close()
  })
  return proxy
}

test('a preflight never reaches the application; the request behind it does, and its answer names the origin', async (t) => {
  let requests = 0
  const backend = await answering(() => (requests++, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
  const proxy = await behind(t, backend, corsPolicy(shop))
  const told = await converse(proxy.portOf('in'), [preflight('https://shop.example')])
  assert.match(told, /^HTTP\/1\.1 200 OK\r\n[^]*access-control-allow-methods: GET\r\n/)
  assert.equal(requests, 0)
  const answer = await converse(proxy.portOf('in'), [send('GET', 'https://shop.example')])
  assert.match(answer, /access-control-allow-origin: https:\/\/shop\.example\r\n[^]*ok$/)
  assert.equal(requests, 1)
  assert.equal(proxy.exchanges[0]?.details, 'cors_response')
})

test('another origin is told nothing, and counted', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  const proxy = await behind(t, backend, corsPolicy(shop))
  assert.doesNotMatch(await converse(proxy.portOf('in'), [send('GET', 'https://evil.example')]), /access-control/)
  assert.match(proxy.metrics.render(), /envoy_http_cors_origin_invalid\{envoy_http_conn_manager_prefix="test"\} 1\n/)
})

test('a policy that is switched off for a route leaves preflights to the application', async (t) => {
  const backend = await answering('HTTP/1.1 204 No Content\r\n\r\n')
  const off = any('envoy.config.route.v3.FilterConfig', { disabled: true })
  const proxy = await behind(t, backend, { typedPerFilterConfig: { 'envoy.filters.http.cors': off } })
  assert.match(await converse(proxy.portOf('in'), [preflight('https://shop.example')]), /^HTTP\/1\.1 204 /)
})

test('a policy whose origin says nothing refuses the route, and names the place', async () => {
  const broken = corsPolicy({ allowOriginStringMatch: [{}] })
  const route = { match: { prefix: '/' }, route: { cluster: 'b' }, ...broken }
  const routes = { name: 'r', virtualHosts: [{ name: 'any', domains: ['*'], routes: [route] }] }
  await assert.rejects(
    startProxy({ listeners: [httpListener('in', routes, { httpFilters: [cors, router] })] }),
    /typed_per_filter_config\["envoy\.filters\.http\.cors"\]\.allow_origin_string_match\[0\]: no match pattern is set/,
  )
})
