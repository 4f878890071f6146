// Peers whose trust domain is an alias of the mesh's, on both ends of mutual TLS.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { readX509Leaf, type Secrets } from '../../packages/proxy/src/config/secret-source.ts'
import { client, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { any, staticCluster, startProxy } from './proxy-under-test.ts'
import { testAuthority } from './test-certificates.ts'

const authority = await testAuthority()

/** What SDS gave a workload with this identity. */
async function secretsOf(spiffeId: string): Promise<Secrets> {
  const material = await authority.issue(spiffeId)
  const facts = readX509Leaf(material.certificateChainPem)
  assert.ok(facts.ok)
  const own = { name: 'default', material, facts: facts.value }
  return {
    has: () => true,
    certificate: () => own,
    rootsPem: () => authority.rootPem,
    crlPem: () => undefined,
  }
}

/** The TLS context of the mesh: any identity of these trust domains. */
function meshTls(type: 'Downstream' | 'Upstream', domains: readonly string[], more: JsonObject = {}): JsonObject {
  const matchTypedSubjectAltNames = domains.map((domain) => ({
    sanType: 'URI',
    matcher: { prefix: `spiffe://${domain}/` },
  }))
  const sds = (name: string): JsonObject => ({ name, sdsConfig: { ads: {}, initialFetchTimeout: '0s' } })
  const commonTlsContext = {
    tlsCertificateSdsSecretConfigs: [sds('default')],
    combinedValidationContext: {
      defaultValidationContext: { matchTypedSubjectAltNames },
      validationContextSdsSecretConfig: sds('ROOTCA'),
    },
  }
  const typedConfig = any(`envoy.extensions.transport_sockets.tls.v3.${type}TlsContext`, { commonTlsContext, ...more })
  return { name: 'envoy.transport_sockets.tls', typedConfig }
}

interface End {
  readonly domain: string
  /** Whom it takes. */
  readonly takes: readonly string[]
}

test('either end takes peers of its own trust domain and of those that are named, and of no other', {
  timeout: 60_000,
}, async (t) => {
  const backend = await tcpServer(t, (socket) => socket.on('data', (bytes) => socket.write(bytes)))
  const said = async (caller: End, server: End): Promise<string> => {
    const inner = await startProxy(
      {
        listeners: [
          tcpListener('in', {
            filterChains: [
              {
                transportSocket: meshTls('Downstream', server.takes, { requireClientCertificate: true }),
                filters: [tcpProxy('app')],
              },
            ],
          }),
        ],
        clusters: [staticCluster('app', [backend.port])],
      },
      await secretsOf(`spiffe://${server.domain}/ns/shop/sa/server`),
    )
    t.after(() => inner.close())
    const transportSocket = meshTls('Upstream', caller.takes)
    const outer = await startProxy(
      {
        listeners: [tcpListener('out', { filterChains: [{ filters: [tcpProxy('far')] }] })],
        clusters: [staticCluster('far', [inner.portOf('in')], { transportSocket })],
      },
      await secretsOf(`spiffe://${caller.domain}/ns/shop/sa/caller`),
    )
    t.after(() => outer.close())
    const from = await client(t, outer.portOf('out'))
    from.socket.write('hello')
    await Promise.race([new Promise((resolve) => from.socket.once('data', resolve)), from.ended])
    return from.text() || 'closed'
  }
  const mesh = { domain: 'cluster.local', takes: ['cluster.local'] }
  const old = { domain: 'old.example', takes: ['old.example', 'cluster.local'] }
  const both = { domain: 'cluster.local', takes: ['cluster.local', 'old.example'] }
  assert.equal(await said(mesh, mesh), 'hello')
  assert.equal(await said(old, both), 'hello')
  assert.equal(await said(both, old), 'hello')
  assert.equal(await said(old, mesh), 'closed', 'the server does not know the alias')
  assert.equal(await said(mesh, old), 'closed', 'the caller does not know the alias')
  assert.equal(await said({ domain: 'else.example', takes: both.takes }, both), 'closed')
})
