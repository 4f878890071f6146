// Real Envoys as gateway and sidecars of a control plane in this process: what we generate is not only valid, it works.
import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { WorkloadInstance } from '@weft/resources'
import { until } from '@weft/testkit/until'
import { openTestSigner } from '../../packages/local/src/check/test-signer.ts'
import { startedMesh } from './envoy-mesh/mesh-suites.ts'
import { gatewayWorkload, service, workload } from './envoy-mesh/mesh-texts.ts'
import { echo, http, said } from './envoy-mesh/plain-clients.ts'
import { skipWithoutEnvoy } from './envoy-on-path.ts'
import { statsOf } from './envoy-stats.ts'

const tcp = '{ name: tcp, port: 7000 }'
const base = [
  gatewayWorkload('gateway'),
  workload('web'),
  workload('catalog', { ports: `{ name: http, port: 8080 }, ${tcp}` }),
  workload('older', { labels: 'app: older, networking.istio.io/tunnel: none', ports: tcp }),
  service('older', { ports: tcp }),
  service('catalog', { ports: `{ name: http, port: 80, targetPort: 8080 }, ${tcp}` }),
].join('')

const rules = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: catalog, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
      to: [{ operation: { paths: [/books*] } }]
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
      to: [{ operation: { ports: ["7000"] } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: catalog, namespace: shop }
spec:
  hosts: [catalog]
  http:
    - match: [{ headers: { x-user: { exact: jason } } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
      route: [{ destination: { host: catalog, port: { number: 80 } } }]
    - route: [{ destination: { host: catalog, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec: { selector: { app: gateway }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{ route: [{ destination: { host: catalog, port: { number: 80 } } }] }]
`

describe('real Envoy under this control plane', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh(
    {
      base,
      app: (request, response) => void response.end(`books for ${request.headers.host}`),
    },
    rules,
  )
  const instanceOf = (name: string): WorkloadInstance => mesh.instance(name)

  test('every proxy accepts everything, with its own identity', async () => {
    const { proxies } = await mesh.status()
    for (const proxy of proxies) {
      assert.deepEqual(
        proxy.types.flatMap((type) => type.refused),
        [],
        proxy.id,
      )
      assert.equal(proxy.identity.spiffeId, proxy.identity.expected)
    }
    assert.equal(proxies.length, 4)
  })

  test('an absolute-form request by short name reaches the app over mutual TLS', async () => {
    const { status, body } = await mesh.call('web-0', 'http://catalog/books')
    assert.deepEqual({ status, body }, { status: 200, body: 'books for catalog' })
    assert.match(
      String(mesh.seen.at(-1)?.headers['x-forwarded-client-cert']),
      /URI=spiffe:\/\/cluster.local\/ns\/shop\/sa\/web/,
    )
  })

  test('a CONNECT tunnel gets the same routes', async () => {
    assert.match(
      await viaTunnel('catalog:80', 'GET /books/7 HTTP/1.1\r\nHost: catalog\r\n\r\n', /books for/),
      /^HTTP\/1.1 200/,
    )
    assert.equal(mesh.seen.at(-1)?.url, '/books/7')
    assert.match(
      await viaTunnel('catalog:80', 'GET / HTTP/1.1\r\nHost: catalog\r\nx-user: jason\r\n\r\n', /fault/),
      /^HTTP\/1.1 418/,
    )
  })

  test('a fault is injected for the header that asks for it', async () => {
    assert.equal((await mesh.call('web-0', 'http://catalog/books', { 'x-user': 'jason' })).status, 418)
  })

  test('authorization refuses a path that is not allowed, and the gateway that is not', async () => {
    assert.equal((await mesh.call('web-0', 'http://catalog/admin')).status, 403)
    const answer = await http({ ...mesh.at('gateway-0', 8080), path: '/books' })
    assert.equal(answer.status, 403)
  })

  test('a name the mesh does not know is answered with 502', async () => {
    assert.equal((await mesh.call('web-0', 'http://example.com/')).status, 502)
  })

  test('plaintext to a STRICT workload is refused', async () => {
    await assert.rejects(http({ ...mesh.at('catalog-0', 8080), path: '/books' }), /ECONNRESET|hang up/)
  })

  test('TCP goes through its loopback listener and through a tunnel', async () => {
    const to = mesh.outbound('web-0', 'catalog.shop:7000')
    assert.equal(await echo(to, 'hello\n'), 'hello\n')
    assert.match(await viaTunnel('catalog:7000', 'ping\n', /ping\n$/), /ping\n$/)
  })

  test('connections to TCP ports are streams of one HTTP/2 connection, and requests of another', async () => {
    const web = instanceOf('web-0')
    const to = mesh.outbound('web-0', 'catalog.shop:7000')
    const before = await statsOf(web, /^cluster\.(connect_originate|outbound.80..catalog.*)\.upstream_(cx|rq)_/)
    for (const line of ['a\n', 'b\n', 'c\n']) assert.equal(await echo(to, line), line)
    for (const path of ['/books/1', '/books/2', '/books/3']) await mesh.call('web-0', `http://catalog${path}`)
    const after = await statsOf(web, /^cluster\.(connect_originate|outbound.80..catalog.*)\.upstream_(cx|rq)_/)
    const grown = (name: RegExp): number => sum(after, name) - sum(before, name)
    assert.equal(grown(/connect_originate\.upstream_rq_total/), 3)
    assert.equal(grown(/outbound.80.*\.upstream_rq_total/), 3)
    assert.equal(sum(after, /connect_originate\.upstream_cx_http2_total/), 1)
    assert.equal(sum(after, /outbound.80.*\.upstream_cx_http2_total/), 1)
    assert.equal(sum(after, /upstream_cx_http1_total/), 0)
  })

  test('a workload that takes no tunnels is spoken to by mutual TLS on its port', async () => {
    const web = instanceOf('web-0')
    const to = mesh.outbound('web-0', 'older.shop:7000')
    const before = sum(await statsOf(web, /connect_originate/), /upstream_rq_total/)
    assert.equal(await echo(to, 'hello\n'), 'hello\n')
    assert.equal(sum(await statsOf(web, /connect_originate/), /upstream_rq_total/), before)
    assert.equal(sum(await statsOf(web, /^cluster\.outbound.7000..older/), /\.ssl\.handshake/), 1)
  })

  test('a tunnel is refused to who is not allowed on the port, and to no port that is not TCP', async () => {
    const catalog = instanceOf('catalog-0')
    const web = await tunnelAs('web', catalog, 7000)
    assert.deepEqual(web, { status: 200, echoed: 'hello' })
    assert.equal((await tunnelAs('gateway', catalog, 7000)).status, 403)
    assert.equal((await tunnelAs('web', catalog, 8080)).status, 403)
    assert.equal((await tunnelAs('web', instanceOf('web-0'), 8080)).status, undefined, 'nothing there takes tunnels')
  })

  test('an edited file changes answers without a restart', async () => {
    mesh.edit(rules.replace('httpStatus: 418', 'httpStatus: 429'))
    await until(async () => (await mesh.call('web-0', 'http://catalog/books', { 'x-user': 'jason' })).status === 429)
  })

  /** Opens a CONNECT stream on 15008 with the certificate of a service account, as any HBONE client would. */
  async function tunnelAs(
    account: string,
    to: WorkloadInstance,
    port: number,
  ): Promise<{ status: number | undefined; echoed?: string }> {
    const signer = await openTestSigner(join(mesh.dir, '.weft/ca'))
    const { cert, key, ca } = await signer.issue({ uris: [`spiffe://cluster.local/ns/shop/sa/${account}`] })
    const session = connectHttp2(`https://${to.address}:15008`, { cert, key, ca, checkServerIdentity: () => undefined })
    try {
      return await new Promise((resolve) => {
        session.on('error', () => resolve({ status: undefined }))
        const stream = session.request({ ':method': 'CONNECT', ':authority': `${to.address}:${port}` })
        stream.on('error', () => resolve({ status: undefined }))
        stream.on('response', ({ ':status': status }) => {
          if (status !== 200) resolve({ status })
          else stream.write('hello')
        })
        stream.once('data', (chunk: Buffer) => resolve({ status: 200, echoed: chunk.toString() }))
      })
    } finally {
      session.destroy()
    }
  }

  async function viaTunnel(authority: string, payload: string, until: RegExp): Promise<string> {
    const { status, socket } = await mesh.tunnel('web-0', authority)
    assert.equal(status, 200)
    socket.write(payload)
    return said(socket, (text) => until.test(text))
  }
})

function sum(stats: ReadonlyMap<string, number>, name: RegExp): number {
  return [...stats].reduce((total, [key, value]) => (name.test(key) ? total + value : total), 0)
}
