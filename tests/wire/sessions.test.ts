// Sessions that stay at one endpoint (envoy.filters.http.stateful_session), on real sockets.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, anyHost, assignment, httpListener, type ProxyUnderTest, router, startProxy } from './proxy-under-test.ts'
import { answering, converse } from './raw-http.ts'

const filterName = 'envoy.filters.http.stateful_session'
const session = (kind: 'cookie' | 'header', state: JsonObject): JsonObject => {
  const type = kind === 'cookie' ? 'CookieBasedSessionState' : 'HeaderBasedSessionState'
  const typedConfig = any(`envoy.extensions.http.stateful_session.${kind}.v3.${type}`, state)
  return { sessionState: { name: `envoy.http.stateful_session.${kind}`, typedConfig } }
}
const inHeader = session('header', { name: 'x-session' })
const inCookie = session('cookie', { cookie: { name: 's', path: '/', ttl: '60s' } })

interface Three {
  readonly proxy: ProxyUnderTest
  readonly ports: readonly number[]
}

/** Three endpoints that answer with their number; `statefulSession` is the route's. */
async function threeEndpoints(t: TestContext, statefulSession: JsonObject): Promise<Three> {
  const backends = await Promise.all(
    ['0', '1', '2'].map((name) => answering(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${name}`)),
  )
  const perRoute = any('envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute', { statefulSession })
  const filter = any('envoy.extensions.filters.http.stateful_session.v3.StatefulSession')
  const route = { match: { prefix: '/' }, route: { cluster: 'b' }, typedPerFilterConfig: { [filterName]: perRoute } }
  const cluster = { name: 'b', type: 'EDS', edsClusterConfig: { edsConfig: { ads: {} } }, lbPolicy: 'ROUND_ROBIN' }
  const proxy = await startProxy({
    listeners: [
      httpListener('in', anyHost([route]), { httpFilters: [{ name: filterName, typedConfig: filter }, router] }),
    ],
    clusters: [cluster],
  })
  t.after(async () => {
    await proxy.close()
    await Promise.all(backends.map((backend) => backend.close()))
  })
  const ports = backends.map(({ port }) => port)
  proxy.setEndpoints('b', assignment('b', ports))
  return { proxy, ports }
}

const ask = (proxy: ProxyUnderTest, line = ''): Promise<string> =>
  converse(proxy.portOf('in'), [`GET / HTTP/1.1\r\nHost: s\r\n${line}Connection: close\r\n\r\n`])
const endpointOf = (answer: string): string => answer.slice(-1)
const lineOf = (answer: string, name: string): string | undefined =>
  new RegExp(`${name}: (.*)\r\n`, 'i').exec(answer)?.[1]

test('requests with the header of an earlier answer go where that came from', async (t) => {
  const { proxy } = await threeEndpoints(t, inHeader)
  for (let round = 0; round < 3; round++) {
    const first = await ask(proxy)
    const line = `x-session: ${lineOf(first, 'x-session')}\r\n`
    for (let at = 0; at < 4; at++) {
      const next = await ask(proxy, line)
      assert.equal(endpointOf(next), endpointOf(first))
      assert.equal(lineOf(next, 'x-session'), undefined, 'it has not changed')
    }
  }
})

test('a cookie does the same, and is set once', async (t) => {
  const { proxy } = await threeEndpoints(t, inCookie)
  const first = await ask(proxy)
  const set = lineOf(first, 'set-cookie') ?? ''
  assert.match(set, /^s="[A-Za-z0-9+/=]+"; Max-Age=60; Path=\/; HttpOnly$/)
  for (let at = 0; at < 4; at++) {
    const next = await ask(proxy, `Cookie: ${set.split(';')[0]}\r\n`)
    assert.equal(endpointOf(next), endpointOf(first))
    assert.equal(lineOf(next, 'set-cookie'), undefined)
  }
})

test('a session whose endpoint is gone gets another one and a new address, or 503 where it is strict', async (t) => {
  for (const strict of [false, true]) {
    const { proxy, ports } = await threeEndpoints(t, { ...inHeader, strict })
    const first = await ask(proxy)
    const line = `x-session: ${lineOf(first, 'x-session')}\r\n`
    proxy.setEndpoints(
      'b',
      assignment(
        'b',
        ports.filter((_, at) => String(at) !== endpointOf(first)),
      ),
    )
    const next = await ask(proxy, line)
    if (strict) assert.match(next, /^HTTP\/1\.1 503 /)
    else {
      assert.notEqual(endpointOf(next), endpointOf(first))
      assert.notEqual(lineOf(next, 'x-session'), undefined)
    }
  }
})

test('a session header that is nonsense is as good as none', async (t) => {
  const { proxy } = await threeEndpoints(t, inHeader)
  for (const value of ['!!!', Buffer.from('1.2.3.4:5').toString('base64'), 'AAAA'])
    assert.match(await ask(proxy, `x-session: ${value}\r\n`), /^HTTP\/1\.1 200 /)
})
