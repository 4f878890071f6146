// Clusters that take what requests name: hosts are looked up at a name server of the test's own.
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { listenerFilter, tcpListener, tcpProxy } from './l4.ts'
import { type NameServer, nameServer } from './name-server.ts'
import { any, anyHost, everythingTo, httpListener, httpOptions, proxyFor, router } from './proxy-under-test.ts'
import { converse } from './raw-http.ts'
import { testAuthority } from './test-certificates.ts'
import { shakeHands } from './tls-ends.ts'
import { until } from './test-runtime.ts'

const authority = await testAuthority()

/** An HTTP server that answers with its name, the host it was asked for, and the number of its connections so far. */
async function site(
  t: TestContext,
  name: string,
  host = '127.0.0.1',
): Promise<{ readonly port: number; connections: number }> {
  const server = createHttpServer((request, response) => void response.end(`${name} ${request.headers.host}`))
  server.on('connection', () => seen.connections++)
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const seen = { port: (server.address() as AddressInfo).port, connections: 0 }
  return seen
}

function cacheOf(names: NameServer, more: JsonObject = {}): JsonObject {
  const resolvers = [{ socketAddress: { address: '127.0.0.1', portValue: names.port } }]
  return {
    name: 'hosts',
    dnsLookupFamily: 'V4_PREFERRED',
    typedDnsResolverConfig: {
      name: 'envoy.network.dns_resolver.cares',
      typedConfig: any('envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig', { resolvers }),
    },
    ...more,
  }
}

function dynamicCluster(cache: JsonObject, more: JsonObject = {}, options: JsonObject = {}): JsonObject {
  const type = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig'
  return {
    name: 'dynamic',
    connectTimeout: '5s',
    lbPolicy: 'CLUSTER_PROVIDED',
    clusterType: {
      name: 'envoy.clusters.dynamic_forward_proxy',
      typedConfig: any(type, { dnsCacheConfig: cache, ...options }),
    },
    ...more,
  }
}

function hostFilter(cache: JsonObject): JsonObject {
  const type = 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig'
  return { name: 'hosts', typedConfig: any(type, { dnsCacheConfig: cache }) }
}

function throughFilter(
  cache: JsonObject,
  routes: JsonObject = everythingTo('dynamic'),
  cluster = dynamicCluster(cache),
) {
  return {
    listeners: [httpListener('in', routes, { httpFilters: [hostFilter(cache), router] })],
    clusters: [cluster],
  }
}

async function ask(port: number, host: string, more = ''): Promise<string> {
  const text = await converse(port, [`GET / HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`])
  return `${text.slice(9, 12)} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`
}

/** Asks again and again, until an answer is as wanted. */
async function asksUntil(port: number, host: string, wanted: (answer: string) => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!wanted(await ask(port, host))) {
    if (Date.now() > deadline) throw new Error(`${host} never answered as wanted`)
  }
}

test('each host is looked up once and kept, and connections of one are not used for another', async (t) => {
  const names = await nameServer({ 'a.example': { a: ['127.0.0.1'] }, 'b.example': { a: ['127.0.0.1'] } }, t)
  const backend = await site(t, 'site')
  const proxy = await proxyFor(t, throughFilter(cacheOf(names)))
  const { port } = backend
  for (const host of [`a.example:${port}`, `A.example:${port}`]) {
    assert.match(await ask(proxy.portOf('in'), host), new RegExp(`200 .*site ${host}`, 's'))
  }
  assert.equal(backend.connections, 1, 'the connection is used again')
  assert.match(await ask(proxy.portOf('in'), `b.example:${port}`), /^200 /)
  assert.equal(backend.connections, 2)
  assert.deepEqual(names.asked, ['A a.example', 'A b.example'])
  assert.match(proxy.metrics.render(), /envoy_dns_cache_hosts_num_hosts 2\n/)
  assert.match(proxy.metrics.render(), /envoy_dns_cache_hosts_dns_query_success 2\n/)
})

test('requests that come while a host is looked up wait for one lookup', async (t) => {
  const names = await nameServer({ 'a.example': { a: ['127.0.0.1'] } }, t)
  const backend = await site(t, 'site')
  const proxy = await proxyFor(t, throughFilter(cacheOf(names)))
  const host = `a.example:${backend.port}`
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(proxy.portOf('in'), host)))
  assert.ok(answers.every((answer) => answer.startsWith('200 ')))
  assert.deepEqual(names.asked, ['A a.example'])
})

test('a host that leads nowhere is 503 with the flag DF, and is not looked up again at once', async (t) => {
  const names = await nameServer({ 'broken.example': 'fails', 'silent.example': 'silent' }, t)
  const proxy = await proxyFor(t, throughFilter(cacheOf(names, { dnsQueryTimeout: '0.300s' })))
  for (const host of ['none.example', 'none.example', 'broken.example', 'silent.example']) {
    assert.equal(await ask(proxy.portOf('in'), host), '503 DNS resolution failure', host)
  }
  assert.deepEqual(
    proxy.exchanges.map(({ flags, details }) => `${flags} ${details}`),
    [
      'DF dns_resolution_failure{no_such_host}',
      'DF dns_resolution_failure{no_such_host}',
      'DF dns_resolution_failure{ESERVFAIL}',
      'DF dns_resolution_failure{no_answer_within_300_ms}',
    ],
  )
  assert.deepEqual(
    names.asked.filter((one) => one.endsWith('none.example')),
    ['A none.example', 'AAAA none.example'],
  )
  assert.match(proxy.metrics.render(), /envoy_dns_cache_hosts_dns_query_timeout 1\n/)
})

test('an address is believed as long as the name server says, and a lookup that fails leaves it', async (t) => {
  const names = await nameServer({ 'a.example': { a: ['127.0.0.1'], ttl: 1 } }, t)
  const [first, second] = [await site(t, 'first'), await site(t, 'second', '127.0.0.2')]
  const proxy = await proxyFor(
    t,
    throughFilter(
      cacheOf(names, { dnsMinRefreshRate: '1s', dnsFailureRefreshRate: { baseInterval: '1s', maxInterval: '1s' } }),
    ),
  )
  assert.match(await ask(proxy.portOf('in'), `a.example:${first.port}`), /first/)
  names.zone.set('a.example', 'fails')
  const asked = names.asked.length
  await asksUntil(proxy.portOf('in'), `a.example:${first.port}`, (answer) => {
    assert.match(answer, /first/)
    return names.asked.length > asked
  })
  names.zone.set('a.example', { a: ['127.0.0.2'], ttl: 1 })
  await asksUntil(proxy.portOf('in'), `a.example:${second.port}`, (answer) => answer.includes('second'))
  names.zone.delete('a.example')
  await asksUntil(proxy.portOf('in'), `a.example:${second.port}`, (answer) => answer.startsWith('503 DNS'))
})

test('the family that is asked for first is that of the configuration, and the next address is tried', async (t) => {
  const both = { a: ['127.0.0.1'], aaaa: ['0:0:0:0:0:0:0:1'] }
  const names = await nameServer({ 'a.example': both, 'only4.example': { a: ['127.0.0.7', '127.0.0.1'] } }, t)
  const [four, six] = [await site(t, 'four'), await site(t, 'six', '::1')]
  const asking = async (dnsLookupFamily: string, host: string) => {
    const proxy = await proxyFor(t, throughFilter(cacheOf(names, { dnsLookupFamily })))
    return [await ask(proxy.portOf('in'), host), await ask(proxy.portOf('in'), host)]
  }
  assert.match((await asking('V4_PREFERRED', `a.example:${four.port}`))[0] ?? '', /four/)
  assert.match((await asking('AUTO', `a.example:${six.port}`))[0] ?? '', /six/)
  assert.match((await asking('V6_ONLY', `a.example:${six.port}`))[0] ?? '', /six/)
  assert.match((await asking('V6_ONLY', `only4.example:${four.port}`))[0] ?? '', /^503 DNS/)
  assert.match((await asking('AUTO', `only4.example:${four.port}`))[1] ?? '', /four/, 'the first address refuses')
})

test('hosts and those who wait are bounded', async (t) => {
  const names = await nameServer({ 'silent.example': 'silent', 'a.example': { a: ['127.0.0.1'] } }, t)
  const circuit = { dnsCacheCircuitBreaker: { maxPendingRequests: 1 }, maxHosts: 2, dnsQueryTimeout: '3s' }
  const proxy = await proxyFor(t, throughFilter(cacheOf(names, circuit)))
  const waiting = ask(proxy.portOf('in'), 'silent.example')
  await until(() => names.asked.includes('A silent.example'), 'the lookup')
  assert.equal(await ask(proxy.portOf('in'), 'a.example'), '503 Dynamic forward proxy pending request overflow')
  assert.equal(await waiting, '503 DNS resolution failure')
  const backend = await site(t, 'site')
  assert.match(await ask(proxy.portOf('in'), `a.example:${backend.port}`), /^200 /)
  assert.equal(await ask(proxy.portOf('in'), 'third.example'), '503 DNS cache overflow')
  assert.match(proxy.metrics.render(), /envoy_dns_cache_hosts_dns_rq_pending_overflow 1\n/)
})

test('TLS asks for the host and verifies it, whose port is 443 where none is named', async (t) => {
  const names = await nameServer({ 'a.many.example': { a: ['127.0.0.1'] }, 'b.example': { a: ['127.0.0.1'] } }, t)
  const { certificateChainPem: cert, privateKeyPem: key } = await authority.issue('*.many.example')
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => {})
    const name = String(socket.servername)
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  const validationContext = { trustedCa: { inlineString: authority.rootPem } }
  const transportSocket = {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any(type, { commonTlsContext: { validationContext } }),
  }
  const cache = cacheOf(names)
  const proxy = await proxyFor(t, throughFilter(cache, undefined, dynamicCluster(cache, { transportSocket })))
  assert.equal(await ask(proxy.portOf('in'), `a.many.example:${port}`), '200 a.many.example')
  assert.match(await ask(proxy.portOf('in'), `b.example:${port}`), /^503 /)
  assert.match(await ask(proxy.portOf('in'), 'a.many.example'), /^503 /)
  assert.equal(proxy.exchanges.at(-1)?.flags, 'UF', 'nobody is at port 443')
  const unsafe = dynamicCluster(cache, httpOptions({ explicitHttpConfig: { httpProtocolOptions: {} } }))
  await assert.rejects(proxyFor(t, throughFilter(cache, undefined, unsafe)), /auto_sni and auto_san_validation/)
})

test('a route may name the host, and without the filter nobody looks it up', async (t) => {
  const names = await nameServer({ 'said.example': { a: ['127.0.0.1'] } }, t)
  const backend = await site(t, 'site')
  const cache = cacheOf(names)
  const perRoute = (rewrite: JsonObject): JsonObject => ({
    typedPerFilterConfig: {
      hosts: any('envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig', rewrite),
    },
  })
  const said = `said.example:${backend.port}`
  const routes = anyHost([
    {
      match: { prefix: '/', headers: [{ name: 'x-to', presentMatch: true }] },
      route: { cluster: 'dynamic' },
      ...perRoute({ hostRewriteHeader: 'x-to' }),
    },
    { match: { prefix: '/' }, route: { cluster: 'dynamic' }, ...perRoute({ hostRewriteLiteral: said }) },
  ])
  const proxy = await proxyFor(t, throughFilter(cache, routes))
  assert.match(await ask(proxy.portOf('in'), 'whatever.example'), new RegExp(`site ${said}`))
  assert.match(await ask(proxy.portOf('in'), 'whatever.example', `X-To: ${said}\r\n`), new RegExp(`site ${said}`))
  const bare = await proxyFor(t, {
    listeners: [httpListener('in', everythingTo('dynamic'))],
    clusters: [dynamicCluster(cache)],
  })
  assert.equal(await ask(bare.portOf('in'), said), '503 no healthy upstream')
})

test('TLS that is passed on goes to the server name it asks for, at the port of the filter', async (t) => {
  const names = await nameServer({ 'a.many.example': { a: ['127.0.0.1'] } }, t)
  const { certificateChainPem: cert, privateKeyPem: key } = await authority.issue('*.many.example')
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => {})
    socket.end(String(socket.servername))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port: portValue } = server.address() as AddressInfo
  const cache = cacheOf(names)
  const type = 'envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig'
  const lookup = { name: 'sni', typedConfig: any(type, { dnsCacheConfig: cache, portValue }) }
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('tls_inspector')],
        filterChains: [{ filterChainMatch: { serverNames: ['*.example'] }, filters: [lookup, tcpProxy('dynamic')] }],
      }),
    ],
    clusters: [dynamicCluster(cache)],
  })
  const shaken = await shakeHands(t, authority.rootPem, proxy.portOf('in'), { servername: 'a.many.example' })
  const [said] = (await once(shaken.socket, 'data')) as [Buffer]
  assert.equal(said.toString(), 'a.many.example')
  await assert.rejects(shakeHands(t, authority.rootPem, proxy.portOf('in'), { servername: 'none.many.example' }))
  await until(() => proxy.connections.some(({ flags }) => flags.includes('UH')), 'a connection without an upstream')
  assert.equal(proxy.connections.find(({ flags }) => flags.includes('UH'))?.upstream?.transportFailure, 'no such host')
})
