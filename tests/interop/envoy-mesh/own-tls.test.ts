// Ports of a Sidecar that end TLS of strangers with a certificate of their own, instead of mutual TLS of the mesh.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { testAuthority } from '../../wire/test-certificates.ts'
import { type Answer, EnvoyMesh, http, skipWithoutEnvoy, until } from './envoy-mesh.ts'
import { workload } from './mesh-texts.ts'

const authority = await testAuthority()
const server = await authority.issue('web.example')
const client = await authority.issue('client.example')
const stranger = await (await testAuthority()).issue('client.example')
const files = mkdtempSync(join(tmpdir(), 'weft-own-tls-'))

function secret(name: string): string {
  const { certificateChainPem: chain, privateKeyPem: key } = server
  const data = { 'tls.crt': chain, 'tls.key': key, 'ca.crt': authority.rootPem }
  const entries = Object.entries(data).map(([field, text]) => `${field}: ${Buffer.from(text).toString('base64')}`)
  return `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: shop }
data: { ${entries.join(', ')} }
`
}

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
${secret('web')}`
}

/** One request over TLS, the server verified by name. */
function https(to: { host: string; port: number }, more: RequestOptions = {}): Promise<Answer> {
  const options = { ...to, path: '/', servername: 'web.example', ca: authority.rootPem, agent: false, ...more }
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(options, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')))
    sent.end()
  })
}

after(() => rmSync(files, { recursive: true }))

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`TLS of its own at a sidecar, on ${dataPlane}`, {
    skip: dataPlane === 'envoy' && skipWithoutEnvoy,
  }, () => {
    const mesh = new EnvoyMesh({ base: workload('web'), dataPlane })
    before(() => mesh.start(rules()))
    after(() => mesh.close())

    const at = (port: number) => ({ host: mesh.instance('web-0').address, port })

    test('the port shows the certificate of the files, and what strangers say of who called them is dropped', async () => {
      const headers = { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/shop/sa/admin' }
      assert.equal((await https(at(9443), { headers })).body, 'web-0')
      assert.equal(mesh.seen.at(-1)?.headers['x-forwarded-client-cert'], undefined)
    })

    test('plaintext is refused', async () => {
      await assert.rejects(http({ ...at(9443), path: '/' }))
      await assert.rejects(http({ ...at(9444), path: '/' }))
    })

    test('with MUTUAL only clients that the authorities of the Secret signed are let in', async () => {
      const own = { key: client.privateKeyPem, cert: client.certificateChainPem }
      const headers = { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/shop/sa/admin' }
      assert.equal((await https(at(9444), { ...own, headers })).body, 'web-0')
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
      mesh.edit(`${rules()}${secret('late')}`)
      await until(async () => (await https(at(9445)).catch(() => undefined))?.body === 'web-0')
    })
  })
}
