// How services are entered and where they are, done by real Envoys: gateways that end TLS, pass it on and carry bytes; hosts of
// ServiceEntries; what a Sidecar lets a workload see.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { connect } from 'node:net'
import { testLeaf, testRoot } from '../../../packages/control/src/ca/test-certificates.ts'
import { EnvoyMesh, http, skipWithoutEnvoy } from './envoy-mesh.ts'
import { gatewayWorkload, service, workload } from './mesh-texts.ts'

const outsidePort = 18_000 + (process.pid % 1000)

const base = [
  workload('web'),
  workload('catalog', { ports: '{ name: http, port: 8080 }, { name: tcp-line, port: 7000 }' }),
  service('catalog', { ports: '{ name: http, port: 80, targetPort: 8080 }, { name: tcp-line, port: 7000 }' }),
  service('hidden', { app: 'catalog' }),
  gatewayWorkload('gateway'),
].join('')

const rules = `
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
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: outside, namespace: shop }
spec:
  hosts: [outside.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${outsidePort} }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: named, namespace: shop }
spec:
  hosts: [named.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${outsidePort} }]
  resolution: DNS
  endpoints: [{ address: localhost }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: secure, namespace: shop }
spec:
  hosts: [secure.example]
  ports: [{ number: 443, name: tls, protocol: TLS }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tls: 1 } }]
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
  const mesh = new EnvoyMesh({ base })
  let outside: Server
  let pem = { certificate: '', key: '', root: '' }
  before(async () => {
    pem = await certificates()
    outside = createServer((request, response) => void response.end(`outside ${request.headers.host}`))
    await new Promise<void>((resolve) => outside.listen(outsidePort, '127.0.0.1', resolve))
    await mesh.start(`${rules}---\n${secret(pem)}`)
  })
  after(() => {
    outside.close()
    mesh.close()
  })

  test('a gateway ends TLS with the certificate of a Secret, by server name', async () => {
    const answer = await overTls('shop.example', 'GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n')
    assert.match(answer, /^HTTP\/1.1 200[\s\S]*catalog-0/)
    await assert.rejects(overTls('unknown.example', 'GET / HTTP/1.1\r\n\r\n'))
  })

  test('mode MUTUAL lets nobody in without a certificate, and who shows one in', async () => {
    const request = 'GET / HTTP/1.1\r\nhost: mutual.example\r\nconnection: close\r\n\r\n'
    await assert.rejects(overTls('mutual.example', request))
    assert.match(await overTls('mutual.example', request, pem), /^HTTP\/1.1 200/)
  })

  test('TLS that ends at a gateway carries bytes by the tls rule, a TCP port by the tcp rule', async () => {
    assert.equal(await overTls('line.example', 'ping\n', undefined, 'ping\n'), 'ping\n')
    const { address } = mesh.instance('gateway-0')
    const echoed = await new Promise<string>((resolve, reject) => {
      const socket = connect(7000, address, () => socket.write('pong\n'))
      socket.on('data', (chunk) => {
        resolve(chunk.toString())
        socket.destroy()
      })
      socket.on('error', reject)
    })
    assert.equal(echoed, 'pong\n')
  })

  test('plain HTTP is sent to HTTPS', async () => {
    const { address } = mesh.instance('gateway-0')
    const answer = await http({ host: address, port: 8080, path: '/a', headers: { host: 'shop.example' } })
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
  function inTunnel(from: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const authority = 'secure.example:443'
      const socket = connect(15_001, mesh.instance(from).address, () =>
        socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`),
      )
      let got = ''
      socket.on('data', (chunk) => {
        const before = got
        got += chunk.toString()
        if (!before.includes('\r\n\r\n') && got.includes('\r\n\r\n')) socket.write('ping')
        if (got.endsWith('ping')) {
          resolve('ping')
          socket.destroy()
        }
      })
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('closed without an echo')))
      socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
    })
  }

  function overTls(
    servername: string,
    send: string,
    own?: { readonly certificate: string; readonly key: string },
    until?: string,
  ): Promise<string> {
    const { address: host } = mesh.instance('gateway-0')
    return new Promise((resolve, reject) => {
      const socket = connectTls(
        {
          host,
          port: 8443,
          servername,
          ca: pem.root,
          checkServerIdentity: () => undefined,
          ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
        },
        () => socket.write(send),
      )
      let got = ''
      socket.on('data', (chunk: Buffer) => {
        got += chunk.toString()
        if (got === until) socket.end()
      })
      socket.on('error', reject)
      socket.on('close', () => (got === '' ? reject(new Error('closed without an answer')) : resolve(got)))
      socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
    })
  }
})

async function certificates(): Promise<{ certificate: string; key: string; root: string }> {
  const authority = await testRoot('front')
  const { certificate, keys } = await testLeaf(authority, { uris: ['spiffe://front/shop'] })
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${bytes.replaceAll(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  return { certificate: certificate.toString('pem'), key, root: authority.certificate.toString('pem') }
}

function secret({ certificate, key, root }: { certificate: string; key: string; root: string }): string {
  const stringData = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': root }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'shop', namespace: 'shop' },
    type: 'kubernetes.io/tls',
    stringData,
  })
}
