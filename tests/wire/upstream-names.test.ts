// Names that a request gives its upstream: the server name of TLS, and the name that is verified.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createServer } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { once } from '@weft/testkit/once'
import { any, everythingTo, httpListener, httpOptions, proxyFor, staticCluster } from './proxy-under-test.ts'
import { converse, rawBackend } from './raw-http.ts'
import { testAuthority } from './test-certificates.ts'

const authority = await testAuthority()

/** A server that answers each request of a connection with the name that was asked for in its handshake. */
async function site(t: TestContext, material: TlsMaterial): Promise<{ readonly port: number; connections: number }> {
  const server = createServer({ cert: material.certificateChainPem, key: material.privateKeyPem }, (socket) => {
    seen.connections++
    socket.on('error', () => {})
    socket.on('data', () => {
      const name = socket.servername || 'none'
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const seen = { port: (server.address() as AddressInfo).port, connections: 0 }
  return seen
}

function towards(port: number, names: JsonObject, action: JsonObject = {}) {
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  const validationContext = { trustedCa: { inlineString: authority.rootPem } }
  const transportSocket = {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any(type, { commonTlsContext: { validationContext }, sni: 'of.the.cluster' }),
  }
  const options = httpOptions({ explicitHttpConfig: { httpProtocolOptions: {} }, upstreamHttpProtocolOptions: names })
  return {
    listeners: [httpListener('in', everythingTo('b', action))],
    clusters: [staticCluster('b', [port], { ...options, transportSocket, connectTimeout: '10s' })],
  }
}

test('each host is asked for and verified by its own name, and shares connections with nobody else', async (t) => {
  const backend = await site(t, await authority.issue('a.example', '*.many.example', '127.0.0.1'))
  const proxy = await proxyFor(t, towards(backend.port, { autoSni: true, autoSanValidation: true }))
  const ask = async (host: string, more = ''): Promise<string> => {
    const text = await converse(proxy.portOf('in'), [
      `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`,
    ])
    return `${text.slice(9, 12)} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`
  }
  assert.equal(await ask('a.example'), '200 a.example')
  assert.equal(await ask('A.EXAMPLE:443'), '200 a.example')
  assert.equal(backend.connections, 1)
  assert.equal(await ask('one.many.example'), '200 one.many.example')
  assert.equal(backend.connections, 2)
  assert.equal(await ask('127.0.0.1'), '200 of.the.cluster', 'an address is no server name, and is verified')
  for (const stranger of ['b.example', 'two.labels.many.example', 'many.example', '10.0.0.1', '']) {
    assert.match(await ask(stranger), /^503 /, stranger)
  }
  assert.equal(await ask('a.example'), '200 a.example')
})

test('a header or a rewrite may name the host, and without verification only the name changes', async (t) => {
  const backend = await site(t, await authority.issue('other.example'))
  const names = { autoSni: true, overrideAutoSniHeader: 'x-name' }
  const proxy = await proxyFor(t, towards(backend.port, names, { hostRewriteLiteral: 'rewritten.example' }))
  const get = (more: string): string => `GET / HTTP/1.1\r\nHost: a.example\r\n${more}Connection: close\r\n\r\n`
  assert.match(await converse(proxy.portOf('in'), [get('')]), /\r\n\r\nrewritten\.example$/)
  assert.match(await converse(proxy.portOf('in'), [get('X-Name: said.example\r\n')]), /\r\n\r\nsaid\.example$/)
})

test('names are not proved by a server without TLS', async (t) => {
  const backend = await rawBackend((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
  t.after(() => backend.close())
  const { listeners, clusters } = towards(backend.port, { autoSanValidation: true })
  const [{ transportSocket: _, ...plain }] = clusters as [JsonObject]
  const proxy = await proxyFor(t, { listeners, clusters: [plain] })
  assert.match(await converse(proxy.portOf('in'), ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']), / 503 /)
  assert.equal(backend.received.join(''), '', 'nothing was asked')
})

test('an answer of ours that nobody upstream was asked for speaks of the request as it would have gone on', async (t) => {
  const responseHeadersToAdd = [{ header: { key: 'x-asked', value: '%REQ(:AUTHORITY)%%REQ(:PATH)%' } }]
  const rewrite = {
    hostRewriteLiteral: 'rewritten.example',
    regexRewrite: { pattern: { regex: '^/' }, substitution: '/in/' },
  }
  const route = { match: { prefix: '/' }, route: { cluster: 'none', ...rewrite }, responseHeadersToAdd }
  const routes = { name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes: [route] }] }
  const proxy = await proxyFor(t, { listeners: [httpListener('in', routes)], clusters: [staticCluster('none', [])] })
  const answer = await converse(proxy.portOf('in'), ['GET /a HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n'])
  assert.match(answer, /^HTTP\/1\.1 503 /)
  assert.match(answer, /\r\nx-asked: rewritten\.example\/in\/a\r\n/)
})
