// What one plain hop costs, and one mesh hop, as counts that do not depend on the machine: system calls per request, connections upstream.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { callsWhile, connections, whyNoTrace, WorkClients, workBackend, workProxy } from './counted-work.ts'
import {
  any,
  everythingTo,
  httpListener,
  httpOptions,
  type JsonConfig,
  manager,
  staticCluster,
} from './proxy-under-test.ts'
import { testAuthority } from './test-certificates.ts'

const perConnection = 50

/** Calls per request of one process while all connections are busy. */
async function callsPerRequest(pid: number, clients: WorkClients): Promise<{ calls: number; table: string }> {
  const calls = await callsWhile(pid, () => clients.load(perConnection))
  const total = [...calls.values()].reduce((sum, count) => sum + count, 0)
  const writes = (calls.get('write') ?? 0) + (calls.get('writev') ?? 0)
  const table = [...calls].map(([name, count]) => `${name} ${count}`).join(', ')
  assert.ok(writes >= connections * perConnection, table)
  return { calls: total / (connections * perConnection), table }
}

async function plain(t: TestContext): Promise<{ pid: number; clients: WorkClients; connects: () => number }> {
  const backend = await workBackend()
  t.after(() => backend.close())
  const proxy = await workProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [backend.port])],
  })
  t.after(() => proxy.stop())
  const clients = await WorkClients.connect(proxy.port)
  t.after(() => clients.close())
  await clients.load(20)
  return { pid: proxy.pid, clients, connects: backend.connects }
}

test('a plain hop takes at most 4.5 system calls per request', { skip: whyNoTrace() }, async (t) => {
  const { pid, clients } = await plain(t)
  const { calls, table } = await callsPerRequest(pid, clients)
  assert.ok(calls <= 4.5, `${calls.toFixed(2)} calls per request: ${table}`)
})

test('kept connections are used again: nothing is connected twice', async (t) => {
  const { clients, connects } = await plain(t)
  await clients.load(20)
  assert.ok(connects() <= connections, `${connects()} upstream connections for ${connections} clients`)
})

const authority = await testAuthority()
const near = await authority.issue('spiffe://cluster.local/ns/shop/sa/web')
const far = await authority.issue('spiffe://cluster.local/ns/shop/sa/shop')

function tls(side: 'Downstream' | 'Upstream', material: TlsMaterial, more: JsonObject = {}): JsonObject {
  const commonTlsContext = {
    tlsCertificates: [
      {
        certificateChain: { inlineString: material.certificateChainPem },
        privateKey: { inlineString: material.privateKeyPem },
      },
    ],
    validationContext: { trustedCa: { inlineString: authority.rootPem } },
    alpnProtocols: ['h2'],
  }
  const type = `envoy.extensions.transport_sockets.tls.v3.${side}TlsContext`
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(type, { commonTlsContext, ...more }) }
}

const inbound = (port: number): JsonConfig => ({
  listeners: [
    {
      name: 'in',
      address: { socketAddress: { address: '127.0.0.1', portValue: 0 } },
      filterChains: [
        {
          transportSocket: tls('Downstream', far, { requireClientCertificate: true }),
          filters: [manager(everythingTo('b'))],
        },
      ],
    },
  ],
  clusters: [staticCluster('b', [port])],
})

const outbound = (port: number): JsonConfig => ({
  listeners: [httpListener('in', everythingTo('b'))],
  clusters: [
    staticCluster('b', [port], {
      ...httpOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } }),
      transportSocket: tls('Upstream', near),
    }),
  ],
})

test('a mesh hop takes at most 3 system calls per request in each of its two proxies', {
  skip: whyNoTrace(),
}, async (t) => {
  const backend = await workBackend()
  t.after(() => backend.close())
  const inner = await workProxy(inbound(backend.port))
  t.after(() => inner.stop())
  const outer = await workProxy(outbound(inner.port))
  t.after(() => outer.stop())
  const clients = await WorkClients.connect(outer.port)
  t.after(() => clients.close())
  await clients.load(20)
  for (const [name, { pid }] of Object.entries({ outer, inner })) {
    const { calls, table } = await callsPerRequest(pid, clients)
    assert.ok(calls <= 3, `${name}: ${calls.toFixed(2)} calls per request: ${table}`)
  }
  assert.ok(backend.connects() <= connections, `${backend.connects()} upstream connections`)
})
