// A ServiceEntry with DYNAMIC_DNS and a wildcard host, on both data planes: hosts are looked up at a name server of the test's own, at sidecars and
// at a gateway on the way out, and nothing but names under the wildcard gets anywhere.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  connect as connectTls,
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls'
import { once } from '@weft/testkit/once'
import { until } from '@weft/testkit/until'
import { type NameServer, nameServer } from '../../wire/name-server.ts'
import { testAuthority } from '../../wire/test-certificates.ts'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { EnvoyMesh } from './envoy-mesh.ts'
import { http } from './plain-clients.ts'
import { gatewayWorkload, service, workload } from './mesh-texts.ts'

const authority = await testAuthority()
const certificate = await authority.issue('*.many.test')

const base = [
  workload('web'),
  gatewayWorkload('out'),
  service('out', { ports: '{ name: http, port: 80, targetPort: 8080 }' }),
].join('')

interface Ports {
  readonly plain: number
  readonly secure: number
  readonly passed: number
}

function rules({ plain, secure, passed }: Ports, roots: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: many, namespace: shop }
spec:
  hosts: ["*.many.test"]
  ports:
    - { number: ${plain}, name: http, protocol: HTTP }
    - { number: ${secure}, name: http-secure, protocol: HTTP }
    - { number: ${passed}, name: tls, protocol: TLS }
  resolution: DYNAMIC_DNS
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: many, namespace: shop }
spec:
  host: "*.many.test"
  trafficPolicy:
    portLevelSettings: [{ port: { number: ${secure} }, tls: { mode: SIMPLE, caCertificates: ${roots} } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: out, namespace: shop }
spec:
  hosts: ["*.out.test"]
  ports: [{ number: 80, name: http, protocol: HTTP }, { number: ${plain}, name: http-plain, protocol: HTTP }]
  resolution: DYNAMIC_DNS
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: asked, namespace: shop }
spec:
  hosts: [asked.test]
  http: [{ route: [{ destination: { host: "*.many.test", port: { number: ${plain} } } }] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: rewritten, namespace: shop }
spec:
  hosts: [front.test]
  http:
    - rewrite: { authority: "b.many.test:${plain}" }
      route: [{ destination: { host: "*.many.test", port: { number: ${plain} } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: through-out, namespace: shop }
spec:
  hosts: ["*.out.test"]
  gateways: [mesh, out]
  http:
    - match: [{ gateways: [out] }]
      route: [{ destination: { host: "*.out.test", port: { number: ${plain} } } }]
    - route: [{ destination: { host: out.shop.svc.cluster.local, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: out, namespace: shop }
spec:
  selector: { app: out }
  servers:
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }
    - { port: { number: 8443, name: tls, protocol: TLS }, hosts: ["*"], tls: { mode: PASSTHROUGH } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: anything, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [out]
  http: [{ route: [{ destination: { host: "*.many.test", port: { number: ${plain} } } }] }]
  tls: [{ match: [{ sniHosts: ["*"] }], route: [{ destination: { host: "*.many.test", port: { number: ${passed} } } }] }]
`
}

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`names under a wildcard, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const files = mkdtempSync(join(tmpdir(), 'weft-dynamic-'))
    let names: NameServer
    const servers: (Server | TlsServer)[] = []
    let ports: Ports = { plain: 0, secure: 0, passed: 0 }
    const dnsServers = () => [{ address: '127.0.0.1', port: names.port }]
    const mesh = new EnvoyMesh({ base, dataPlane, dnsServers })

    before(async () => {
      const here = { a: ['127.0.0.1'] }
      names = await nameServer({
        ...{ 'a.many.test': here, 'b.many.test': here, 'a.out.test': here },
        ...{ 'evil.test': here, 'other.out.test': here },
      })
      writeFileSync(join(files, 'roots.pem'), authority.rootPem)
      const listening = async (server: Server | TlsServer): Promise<number> => {
        servers.push(server)
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
        return (server.address() as AddressInfo).port
      }
      const tls = { cert: certificate.certificateChainPem, key: certificate.privateKeyPem }
      ports = {
        plain: await listening(createServer((request, response) => void response.end(`plain ${request.headers.host}`))),
        secure: await listening(createTlsServer(tls, answersWithName)),
        passed: await listening(createTlsServer(tls, answersWithName)),
      }
      // Proxies learn while they serve that there are such hosts.
      const text = rules(ports, join(files, 'roots.pem'))
      const documents = text.split('---\n')
      await mesh.start(documents.filter((one) => !one.includes('kind: ServiceEntry')).join('---\n'))
      mesh.edit(text)
      const { address } = mesh.instance('out-0')
      const headers = { host: `b.many.test:${ports.plain}` }
      const answered = (sent: Promise<{ status: number }>): Promise<boolean> =>
        sent.then(({ status }) => status === 200).catch(() => false)
      await until(() => answered(mesh.call('web-0', `http://${headers.host}/`)))
      await until(() => answered(http({ host: address, port: 8080, path: '/', headers })))
      await mesh.settled()
    })
    after(() => {
      mesh.close()
      names.close()
      for (const server of servers) server.close()
      rmSync(files, { recursive: true })
    })

    test('a request goes to the host it names', async () => {
      for (const name of ['a', 'b', 'A']) {
        const host = `${name}.many.test:${ports.plain}`
        const { status, body } = await mesh.call('web-0', `http://${host}/`, { host })
        assert.deepEqual([status, body], [200, `plain ${host}`])
      }
    })

    test('a name that does not exist is 503 with the flag DF', async () => {
      const { status, body } = await mesh.call('web-0', `http://none.many.test:${ports.plain}/`)
      assert.deepEqual([status, body], [503, 'DNS resolution failure'])
      await until(() => mesh.logs.some((line) => line.includes('none.many.test') && line.includes('"DF"')))
    })

    test('nothing but names under the wildcard is looked up, and no port but its own dialled', async () => {
      for (const host of [`evil.test:${ports.plain}`, `many.test:${ports.plain}`, 'a.many.test:1']) {
        assert.equal((await mesh.call('web-0', `http://${host}/`)).status, 502, host)
      }
      assert.equal((await mesh.call('web-0', 'http://asked.test/')).status, 404)
      const { address } = mesh.instance('out-0')
      const at = { host: address, port: 8080, path: '/' }
      assert.equal((await http({ ...at, headers: { host: `b.many.test:${ports.plain}` } })).status, 200)
      for (const host of [
        'evil.test',
        `evil.test:${ports.plain}`,
        'a.many.test:1',
        'a.many.test',
        `127.0.0.1:${ports.plain}`,
      ]) {
        assert.equal((await http({ ...at, headers: { host } })).status, 404, host)
      }
      assert.ok(!names.asked.some((one) => one.endsWith('evil.test')), 'nobody looked it up')
    })

    test('a rule may send another name under the wildcard', async () => {
      const { status, body } = await mesh.call('web-0', 'http://front.test/')
      assert.deepEqual([status, body], [200, `plain b.many.test:${ports.plain}`])
    })

    test('TLS that the sidecar begins asks for the host and verifies it', async () => {
      const { status, body } = await mesh.call('web-0', `http://a.many.test:${ports.secure}/`)
      assert.deepEqual([status, body], [200, 'tls a.many.test'])
    })

    test('TLS in a tunnel is passed on to the host that the tunnel names', async () => {
      assert.match(await throughTunnel('a.many.test'), /tls a\.many\.test$/)
      await assert.rejects(throughTunnel('evil.test'))
    })

    test('at a gateway on the way out, requests and TLS go by the names they bring', async () => {
      const host = `a.out.test:${ports.plain}`
      const { status, body } = await mesh.call('web-0', `http://${host}/`)
      assert.deepEqual([status, body], [200, `plain ${host}`])
      assert.match(await overTls(8443, mesh.instance('out-0').address, 'b.many.test'), /tls b\.many\.test$/)
      for (const name of ['evil.test', 'none.many.test']) {
        await assert.rejects(overTls(8443, mesh.instance('out-0').address, name), name)
      }
      assert.ok(!names.asked.some((one) => one.endsWith('evil.test')), 'nobody looked it up')
    })

    // Envoy's own page tells it in its own words.
    if (dataPlane === 'weft') {
      test('the administrative page tells what is remembered of hosts', async () => {
        const at = { host: mesh.instance('web-0').address, port: 15_000, path: '/clusters' }
        const { body } = await http(at)
        const clusters = JSON.parse(body) as { hosts?: { host: string; addresses: string[] }[] }[]
        const hosts = clusters.flatMap((cluster) => cluster.hosts ?? [])
        assert.deepEqual(hosts.find(({ host }) => host === 'a.many.test')?.addresses, ['127.0.0.1'])
        assert.deepEqual(hosts.find(({ host }) => host === 'none.many.test')?.addresses, [])
      })
    }

    /** What a server behind a CONNECT tunnel of the sidecar answers over TLS. */
    async function throughTunnel(name: string): Promise<string> {
      const socket = connect(15_001, mesh.instance('web-0').address)
      const to = `${name}:${ports.passed}`
      socket.write(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n`)
      const [head] = (await once(socket, 'data')) as [Buffer]
      if (!head.toString().startsWith('HTTP/1.1 200')) throw new Error(head.toString())
      return await spoken(connectTls({ socket, servername: name, ca: authority.rootPem }))
    }
  })
}

function answersWithName(socket: TLSSocket): void {
  const text = `tls ${String(socket.servername)}`
  socket.on('error', () => {})
  socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`))
}

function overTls(port: number, host: string, servername: string): Promise<string> {
  return spoken(connectTls({ host, port, servername, ca: authority.rootPem }))
}

/** One request on a connection, and what comes back. */
function spoken(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
    socket.on('data', (chunk: Buffer) => {
      resolve(chunk.toString())
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
  })
}
