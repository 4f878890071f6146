// Ports of a Sidecar that end TLS of strangers with a certificate of their own, instead of mutual TLS of the mesh.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { until } from '@weft/testkit/until'
import { testAuthority } from '../../wire/test-certificates.ts'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { type Answer, http } from './plain-clients.ts'
import { tlsSecret, workload } from './mesh-texts.ts'

const authority = await testAuthority()
const server = await authority.issue('web.example')
const client = await authority.issue('client.example')
const stranger = await (await testAuthority()).issue('client.example')
const files = mkdtempSync(join(tmpdir(), 'weft-own-tls-'))

const secretOf = (name: string): string => tlsSecret(name, server, authority.rootPem)

function rules(): string {
  writeFileSync(join(files, 'certificate.pem'), server.certificateChainPem)
  writeFileSync(join(files, 'key.pem'), server.privateKeyPem)
  return `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: web, namespace: shop }
spec:
  workloadSelector: { labels: { app: web } }
  ingress:
    - port: { number: 9443, protocol: HTTPS, name: files }
      defaultEndpoint: 127.0.0.1:8080
      tls: { mode: SIMPLE, serverCertificate: ${files}/certificate.pem, privateKey: ${files}/key.pem }
    - port: { number: 9444, protocol: HTTPS, name: secret }
      defaultEndpoint: 127.0.0.1:8080
      tls: { mode: MUTUAL, credentialName: web, subjectAltNames: [client.example] }
    - port: { number: 9445, protocol: HTTPS, name: late }
      defaultEndpoint: 127.0.0.1:8080
      tls: { mode: SIMPLE, credentialName: late }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: web, namespace: shop }
spec: { selector: { matchLabels: { app: web } }, mtls: { mode: DISABLE } }
${secretOf('web')}`
}

/** One request over TLS, the server verified by name. */
function https(to: { host: string; port: number }, own: ConnectionOptions = {}, headers = {}): Promise<Answer> {
  return http({ ...to, path: '/', headers, tls: { servername: 'web.example', ca: authority.rootPem, ...own } })
}

after(() => rmSync(files, { recursive: true }))

onBothPlanes('TLS of its own at a sidecar, on', (dataPlane) => {
  const mesh = startedMesh({ base: workload('web'), dataPlane }, rules())

  const at = (port: number) => mesh.at('web-0', port)

  test('the port shows the certificate of the files, and what strangers say of who called them is dropped', async () => {
    const headers = { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/shop/sa/admin' }
    assert.equal((await https(at(9443), {}, headers)).body, 'web-0')
    assert.equal(mesh.seen.at(-1)?.headers['x-forwarded-client-cert'], undefined)
  })

  test('plaintext is refused', async () => {
    await assert.rejects(http({ ...at(9443), path: '/' }))
    await assert.rejects(http({ ...at(9444), path: '/' }))
  })

  test('with MUTUAL only clients that the authorities of the Secret signed are let in', async () => {
    const own = { key: client.privateKeyPem, cert: client.certificateChainPem }
    const headers = { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/shop/sa/admin' }
    assert.equal((await https(at(9444), own, headers)).body, 'web-0')
    const told = String(mesh.seen.at(-1)?.headers['x-forwarded-client-cert'])
    assert.match(told, /DNS=client\.example/)
    assert.doesNotMatch(told, /admin/)
    await assert.rejects(https(at(9444)))
    await assert.rejects(https(at(9444), { key: stranger.privateKeyPem, cert: stranger.certificateChainPem }))
  })

  test('a port whose Secret is not there takes nothing until it comes, and the others serve', async () => {
    await assert.rejects(https(at(9445)))
    await assert.rejects(http({ ...at(9445), path: '/' }))
    assert.equal((await https(at(9443))).body, 'web-0')
    mesh.edit(`${rules()}${secretOf('late')}`)
    await until(async () => (await https(at(9445)).catch(() => undefined))?.body === 'web-0')
  })
})
