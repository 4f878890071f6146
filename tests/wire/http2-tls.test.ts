import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { ask, h2Backend, h2Client } from './http2-ends.ts'
import {
  any,
  everythingTo,
  httpListener,
  httpOptions,
  type JsonConfig,
  manager,
  proxyFor,
  staticCluster,
} from './proxy-under-test.ts'
import { answering } from './raw-http.ts'
import { testAuthority } from './test-certificates.ts'

const authority = await testAuthority()
const served = await authority.issue('spiffe://cluster.local/ns/shop/sa/server')

function secured(alpn: readonly string[] | undefined, port: number): JsonConfig {
  const context = {
    tlsCertificates: [
      {
        certificateChain: { inlineString: served.certificateChainPem },
        privateKey: { inlineString: served.privateKeyPem },
      },
    ],
    ...(alpn === undefined ? {} : { alpnProtocols: [...alpn] }),
  }
  const type = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'
  const transportSocket: JsonObject = {
    name: 'envoy.transport_sockets.tls',
    typedConfig: any(type, { commonTlsContext: context }),
  }
  return {
    listeners: [
      {
        name: 'in',
        address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
        filterChains: [{ transportSocket, filters: [manager(everythingTo('b'))] }],
      },
    ],
    clusters: [staticCluster('b', [port])],
  }
}

const originating: JsonObject = {
  name: 'envoy.transport_sockets.tls',
  typedConfig: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    commonTlsContext: { validationContext: { trustedCa: { inlineString: authority.rootPem } } },
  }),
}
const automatic = httpOptions({ autoConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } })

const toward = (port: number, transportSocket?: JsonObject): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b'))],
  clusters: [
    staticCluster('b', [port], { ...automatic, ...(transportSocket === undefined ? {} : { transportSocket }) }),
  ],
})

async function pair(
  t: TestContext,
  alpn: readonly string[] | undefined,
): Promise<{ protocols: Set<string>; connections: number }> {
  const backend = await answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  t.after(() => backend.close())
  const inner = await proxyFor(t, secured(alpn, backend.port))
  const outer = await proxyFor(t, toward(inner.portOf('in'), originating))
  const client = h2Client(t, outer.portOf('in'))
  const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => ask(client, { ':path': `/${at}` })))
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)), new Set(['200 ok']))
  return { protocols: new Set(inner.exchanges.map(({ protocol }) => protocol)), connections: inner.openConnections() }
}

test('auto_config: a server that takes h2 gets all requests over one connection', async (t) => {
  const { protocols, connections } = await pair(t, ['h2', 'http/1.1'])
  assert.deepEqual([[...protocols], connections], [['HTTP/2'], 1])
})

test('auto_config: a server that takes http/1.1 only, or knows no ALPN, gets HTTP/1.1', async (t) => {
  const only1 = await pair(t, ['http/1.1'])
  assert.deepEqual([...only1.protocols], ['HTTP/1.1'])
  const none = await pair(t, undefined)
  assert.deepEqual([...none.protocols], ['HTTP/1.1'])
})

test('auto_config on plaintext is HTTP/1.1, also behind a client that speaks HTTP/2', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  t.after(() => backend.close())
  const proxy = await proxyFor(t, toward(backend.port))
  assert.equal((await ask(h2Client(t, proxy.portOf('in')), { ':path': '/' })).body, 'ok')
})

test('a cluster that changes its protocol goes on with the requests that come after', async (t) => {
  const two = await h2Backend(t, (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('two')
  })
  const explicit = httpOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } })
  const config = (options: JsonObject): JsonConfig => ({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [two.port], options)],
  })
  const proxy = await proxyFor(t, config({}))
  const client = h2Client(t, proxy.portOf('in'))
  assert.equal((await ask(client, { ':path': '/' })).status, 502, 'HTTP/1.1 to a server that speaks HTTP/2')
  proxy.apply(config(explicit))
  assert.equal((await ask(client, { ':path': '/' })).body, 'two')
})
