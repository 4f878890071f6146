// How services are entered and where they are, done by real Envoys: gateways that end TLS, pass it on and carry bytes; hosts of
// ServiceEntries; what a Sidecar lets a workload see.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { TlsMaterial } from '@weft/core'
import { testAuthority } from '../../wire/test-certificates.ts'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { gatewayWorkload, outsideHosts, service, tlsSecret, workload } from './mesh-texts.ts'
import { answerTo, echo, http, said } from './plain-clients.ts'

const base = [
  workload('web'),
  workload('catalog', { ports: '{ name: http, port: 8080 }, { name: tcp-line, port: 7000 }' }),
  service('catalog', { ports: '{ name: http, port: 80, targetPort: 8080 }, { name: tcp-line, port: 7000 }' }),
  service('hidden', { app: 'catalog' }),
  gatewayWorkload('gateway'),
].join('')

const authority = await testAuthority()
const front = await authority.issue('shop.example', 'mutual.example', 'line.example')

const rules = (outsidePort: number): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: 8443, name: https, protocol: HTTPS }, hosts: [shop.example], tls: { mode: SIMPLE, credentialName: shop } }
    - { port: { number: 8443, name: https-mutual, protocol: HTTPS }, hosts: [mutual.example], tls: { mode: MUTUAL, credentialName: shop } }
    - { port: { number: 8443, name: tls, protocol: TLS }, hosts: [line.example], tls: { mode: SIMPLE, credentialName: shop } }
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: [shop.example], tls: { httpsRedirect: true } }
    - { port: { number: 7000, name: tcp, protocol: TCP }, hosts: ["*"] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [shop.example, mutual.example]
  gateways: [front]
  http: [{ route: [{ destination: { host: catalog, port: { number: 80 } } }] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: line, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [front]
  tls: [{ match: [{ sniHosts: [line.example] }], route: [{ destination: { host: catalog, port: { number: 7000 } } }] }]
  tcp: [{ match: [{ port: 7000 }], route: [{ destination: { host: catalog, port: { number: 7000 } } }] }]
${outsideHosts('outside', {
  hosts: 'outside.example',
  port: `{ number: 80, name: http, protocol: HTTP, targetPort: ${outsidePort} }`,
})}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: named, namespace: shop }
spec:
  hosts: [named.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${outsidePort} }]
  resolution: DNS
  endpoints: [{ address: localhost }]
${outsideHosts('secure', {
  hosts: 'secure.example',
  port: '{ number: 443, name: tls, protocol: TLS }',
  endpoint: '127.0.0.1, ports: { tls: 1 }',
})}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: secure, namespace: shop }
spec:
  hosts: [secure.example]
  tls:
    - match: [{ sniHosts: [secure.example], sourceLabels: { app: web } }]
      route: [{ destination: { host: catalog.shop.svc.cluster.local, port: { number: 7000 } } }]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: web, namespace: shop }
spec:
  workloadSelector: { labels: { app: web } }
  egress:
    - hosts: [./catalog.shop.svc.cluster.local, ./outside.example, ./named.example, ./secure.example]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: catalog, namespace: shop }
spec:
  workloadSelector: { labels: { app: catalog } }
  outboundTrafficPolicy: { mode: ALLOW_ANY, egressProxy: { host: hidden } }
`

describe('the ways in and out of real Envoys', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh({ base }, async (mesh) => {
    const outside = createServer((request, response) => void response.end(`outside ${request.headers.host}`))
    return rules(await mesh.serve(outside)) + tlsSecret('shop', front, authority.rootPem)
  })

  test('a gateway ends TLS with the certificate of a Secret, by server name', async () => {
    const answer = await overTls('shop.example', 'GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n')
    assert.match(answer, /^HTTP\/1.1 200[\s\S]*catalog-0/)
    await assert.rejects(overTls('unknown.example', 'GET / HTTP/1.1\r\n\r\n'))
  })

  test('mode MUTUAL lets nobody in without a certificate, and who shows one in', async () => {
    const request = 'GET / HTTP/1.1\r\nhost: mutual.example\r\nconnection: close\r\n\r\n'
    await assert.rejects(overTls('mutual.example', request))
    assert.match(await overTls('mutual.example', request, front), /^HTTP\/1.1 200/)
  })

  test('TLS that ends at a gateway carries bytes by the tls rule, a TCP port by the tcp rule', async () => {
    assert.equal(await overTls('line.example', 'ping\n', undefined, 'ping\n'), 'ping\n')
    assert.equal(await echo(mesh.at('gateway-0', 7000), 'pong\n'), 'pong\n')
  })

  test('plain HTTP is sent to HTTPS', async () => {
    const answer = await http({ ...mesh.at('gateway-0', 8080), path: '/a', headers: { host: 'shop.example' } })
    assert.equal(answer.status, 301)
    assert.equal(answer.headers.location, 'https://shop.example/a')
  })

  test('hosts of ServiceEntries answer: as written, and by name', async () => {
    assert.equal((await mesh.call('web-0', 'http://outside.example/')).body, 'outside outside.example')
    assert.equal((await mesh.call('web-0', 'http://named.example/')).body, 'outside named.example')
  })

  test('a workload reaches what its Sidecar names and nothing else', async () => {
    assert.equal((await mesh.call('web-0', 'http://catalog/')).status, 200)
    assert.equal((await mesh.call('web-0', 'http://hidden/')).status, 502)
    assert.equal((await mesh.call('catalog-0', 'http://hidden/')).status, 200)
  })

  test('an egress proxy gets the requests for hosts that nobody knows, of the workloads that name one', async () => {
    const answer = await mesh.call('catalog-0', 'http://unknown.example/')
    assert.deepEqual([answer.status, answer.body], [200, 'catalog-0'])
    assert.equal(mesh.seen.at(-1)?.headers.host, 'unknown.example')
    assert.equal((await mesh.call('web-0', 'http://unknown.example/')).status, 502)
  })

  test('in a tunnel a tls rule leads the callers it is for elsewhere', async () => {
    assert.equal(await inTunnel('web-0'), 'ping')
    await assert.rejects(inTunnel('catalog-0'))
  })

  /** What comes back in a CONNECT tunnel to secure.example:443. */
  async function inTunnel(from: string): Promise<string> {
    const { status, socket } = await mesh.tunnel(from, 'secure.example:443')
    assert.equal(status, 200)
    return answerTo(socket, 'ping')
  }

  async function overTls(servername: string, send: string, own?: TlsMaterial, until?: string): Promise<string> {
    // Which certificate is shown is the server name's affair, and who answers is told by the answer.
    const trust = { ca: authority.rootPem, checkServerIdentity: () => undefined }
    const shown = own === undefined ? {} : { cert: own.certificateChainPem, key: own.privateKeyPem }
    const socket = connectTls({ ...mesh.at('gateway-0', 8443), servername, ...trust, ...shown })
    socket.on('secureConnect', () => socket.write(send))
    const got = await said(socket, (text) => text === until)
    assert.notEqual(got, '', 'closed without an answer')
    return got
  }
})
