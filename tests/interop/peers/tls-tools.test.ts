// openssl s_client and curl against a listener of ours that terminates TLS.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import {
  any,
  everythingTo,
  manager,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from '../../wire/proxy-under-test.ts'
import { answering, type RawBackend } from '../../wire/raw-http.ts'
import { type TestAuthority, testAuthority } from '../../wire/test-certificates.ts'
import { missingPeers, runPeer } from './peer.ts'

const skip = missingPeers('openssl', 'curl')
const dir = mkdtempSync(join(tmpdir(), 'weft-tls-'))
let authority: TestAuthority
let backend: RawBackend
let proxy: ProxyUnderTest

before(async () => {
  authority = await testAuthority()
  backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  const own = await authority.issue('spiffe://cluster.local/ns/x/sa/server')
  const pem = (inlineString: string): JsonObject => ({ inlineString })
  const certificate = { certificateChain: pem(own.certificateChainPem), privateKey: pem(own.privateKeyPem) }
  const listener = (name: string, address: string, context: JsonObject, common: JsonObject = {}): JsonObject => ({
    name,
    address: { socketAddress: { address, portValue: 0 } },
    filterChains: [
      {
        filters: [manager(everythingTo('b'))],
        transportSocket: {
          name: 'envoy.transport_sockets.tls',
          typedConfig: any('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
            commonTlsContext: { tlsCertificates: [certificate], alpnProtocols: ['http/1.1'], ...common },
            ...context,
          }),
        },
      },
    ],
  })
  const only13 = { tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3', tlsMaximumProtocolVersion: 'TLSv1_3' } }
  const roots = { validationContext: { trustedCa: pem(authority.rootPem) } }
  proxy = await startProxy({
    listeners: [
      listener('plain', '127.0.0.1', {}),
      listener('only 1.3', '127.0.0.2', {}, only13),
      listener('h2', '127.0.0.4', {}, { alpnProtocols: ['h2', 'http/1.1'] }),
      listener('mutual', '127.0.0.3', { requireClientCertificate: true }, roots),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  const client = await authority.issue('spiffe://cluster.local/ns/x/sa/client')
  const stranger = await (await testAuthority()).issue('spiffe://cluster.local/ns/x/sa/client')
  writeFileSync(join(dir, 'client.pem'), `${client.certificateChainPem}\n${client.privateKeyPem}`)
  writeFileSync(join(dir, 'stranger.pem'), `${stranger.certificateChainPem}\n${stranger.privateKeyPem}`)
  writeFileSync(join(dir, 'root.pem'), authority.rootPem)
})

after(async () => {
  await proxy.close()
  await backend.close()
  rmSync(dir, { recursive: true })
})

const addresses = { plain: '127.0.0.1', 'only 1.3': '127.0.0.2', mutual: '127.0.0.3', h2: '127.0.0.4' } as const
const get = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'

async function client(name: keyof typeof addresses, ...more: readonly string[]): Promise<string> {
  const at = `${addresses[name]}:${proxy.portOf(name)}`
  const args = ['s_client', '-connect', at, '-CAfile', join(dir, 'root.pem'), '-ign_eof', ...more]
  const { stdout, stderr } = await runPeer('openssl', args, get, 10_000)
  return stdout + stderr
}

test('openssl s_client: TLS 1.3 and ALPN http/1.1 by default, and an answer', { skip }, async () => {
  const text = await client('plain', '-alpn', 'h9,http/1.1')
  assert.match(text, /New, TLSv1\.3/)
  assert.match(text, /ALPN protocol: http\/1\.1/)
  assert.match(text, /Verify return code: 0 \(ok\)/)
  assert.match(text, /HTTP\/1\.1 200 OK/)
})

test('openssl s_client: TLS 1.2 where it is allowed, refused where it is not', { skip }, async () => {
  assert.match(await client('plain', '-tls1_2'), /HTTP\/1\.1 200 OK/)
  const refused = await client('only 1.3', '-tls1_2')
  assert.doesNotMatch(refused, /HTTP\/1\.1/)
  assert.match(refused, /alert|handshake failure|protocol version/)
  assert.match(await client('only 1.3'), /HTTP\/1\.1 200 OK/)
})

test('openssl s_client: TLS 1.1 is refused', { skip }, async () => {
  assert.doesNotMatch(await client('plain', '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'), /HTTP\/1\.1/)
})

test('openssl s_client: a certificate is asked for, and a stranger has none that counts', { skip }, async () => {
  assert.match(await client('mutual', '-cert', join(dir, 'client.pem')), /HTTP\/1\.1 200 OK/)
  assert.doesNotMatch(await client('mutual'), /HTTP\/1\.1/)
  assert.doesNotMatch(await client('mutual', '-cert', join(dir, 'stranger.pem')), /HTTP\/1\.1/)
})

test('curl over TLS: several requests on one connection', { skip }, async () => {
  const url = `https://127.0.0.1:${proxy.portOf('plain')}/`
  const run = await runPeer('curl', ['-sSk', '--http1.1', '-w', ' %{num_connects} %{http_version};', url, url])
  assert.equal(run.stdout, 'ok 1 1.1;ok 0 1.1;', run.stderr)
})

test('curl --http2 over TLS: HTTP/2 by ALPN, several requests on one connection, and HTTP/1.1 where it is all there is', {
  skip,
}, async () => {
  const ask = async (name: keyof typeof addresses, ...args: string[]): Promise<string> => {
    const url = `https://${addresses[name]}:${proxy.portOf(name)}/`
    const run = await runPeer('curl', ['-sSk', ...args, '-w', ' %{num_connects} %{http_version};', url, url])
    assert.equal(run.code, 0, run.stderr)
    return run.stdout
  }
  assert.equal(await ask('h2', '--http2'), 'ok 1 2;ok 0 2;')
  assert.equal(await ask('plain', '--http2'), 'ok 1 1.1;ok 0 1.1;')
})

test('h2load over TLS: 2,000 requests by ALPN, none fails', { skip: missingPeers('h2load') }, async () => {
  const url = `https://${addresses.h2}:${proxy.portOf('h2')}/`
  const run = await runPeer('h2load', ['-n', '2000', '-c', '4', '-m', '20', url], '', 60_000)
  assert.match(run.stdout, /Application protocol: h2/)
  assert.match(run.stdout, /2000 succeeded, 0 failed, 0 errored/)
})
