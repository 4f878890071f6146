import { once } from '@weft/testkit/once'
// Secrets and files that TLS contexts name, while they change and while they are missing.
import { until } from './test-runtime.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { listenerFilter, tcpListener, tcpProxy } from './l4.ts'
import { proxyFor, staticCluster } from './proxy-under-test.ts'
import { testAuthority } from './test-certificates.ts'
import { given, inline, named, says, shakeHands, terminating } from './tls-ends.ts'

const authority = await testAuthority()

test('a list of revoked certificates in a file is obeyed as it is now, and its last text while it cannot be read', async (t) => {
  const backend = await named(t, 'b')
  const dir = mkdtempSync(join(tmpdir(), 'weft-crl-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const crl = join(dir, 'crl.pem')
  const [caller, other] = [await authority.issue('caller.example'), await authority.issue('other.example')]
  writeFileSync(crl, await authority.revoke(other))
  const common = {
    tlsCertificates: [given(await authority.issue('a.example'))],
    validationContext: { trustedCa: inline(authority.rootPem), crl: { filename: crl } },
  }
  const transportSocket = terminating(common, { requireClientCertificate: true })
  const proxy = await proxyFor(t, {
    listeners: [tcpListener('in', { filterChains: [{ transportSocket, filters: [tcpProxy('b')] }] })],
    clusters: [staticCluster('b', [backend.port])],
  })
  const asks = async ({ certificateChainPem: cert, privateKeyPem: key }: TlsMaterial) => {
    const { socket } = await shakeHands(t, authority.rootPem, proxy.portOf('in'), { cert, key })
    return await Promise.race([says(socket, 'x'), once(socket, 'close').then(() => 'closed')]).catch(() => 'closed')
  }
  assert.deepEqual([await asks(caller), await asks(other)], ['b:x', 'closed'])
  writeFileSync(crl, await authority.revoke(caller))
  await until(async () => (await asks(caller)) === 'closed', 'the new list is obeyed')
  assert.equal(await asks(other), 'b:x')
  rmSync(crl)
  assert.equal(await asks(caller), 'closed')
})

test('a chain whose secret is not there closes its connections, and the others of its listener serve', async (t) => {
  const backend = await named(t, 'b')
  const chain = (serverNames: string[], common: JsonObject): JsonObject => ({
    filterChainMatch: { serverNames },
    transportSocket: terminating(common),
    filters: [tcpProxy('b')],
  })
  const missing = { name: 'kubernetes://missing', sdsConfig: { ads: {}, initialFetchTimeout: '2s' } }
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('tls_inspector')],
        filterChains: [
          chain(['missing.example'], { tlsCertificateSdsSecretConfigs: [missing] }),
          chain(['a.example'], { tlsCertificates: [given(await authority.issue('a.example'))] }),
        ],
      }),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  await assert.rejects(shakeHands(t, authority.rootPem, proxy.portOf('in'), { servername: 'missing.example' }))
  const { socket } = await shakeHands(t, authority.rootPem, proxy.portOf('in'), { servername: 'a.example' })
  assert.equal(await says(socket, 'x'), 'b:x')
  assert.deepEqual(proxy.refusals, ['in: no_certificate: secret kubernetes://missing is not there'])
})
