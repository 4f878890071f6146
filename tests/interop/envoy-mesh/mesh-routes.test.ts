// Routes inside the mesh that are for more than requests: TLS by server name, hosts outside.
import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { testAuthority } from '../../wire/test-certificates.ts'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { service, tlsSecret, workload } from './mesh-texts.ts'
import { said } from './plain-clients.ts'
import { tellingServer } from './telling-server.ts'

const tlsPort = '{ name: tls, port: 8443, targetPort: 8443 }'
const base = [
  workload('web'),
  workload('stranger', { namespace: 'clients' }),
  ...['blue', 'green'].map((name) => workload(name, { ports: '{ name: https, port: 8443 }' })),
  ...['blue', 'green'].map((name) => service(name, { ports: tlsPort })),
  service('vault', { app: 'blue', ports: `${tlsPort}, { name: tcp, port: 9000, targetPort: 8443 }` }),
  service('rates', { app: 'nobody' }),
  service('billing', { app: 'nobody' }),
].join('')

const routes = `
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: blue, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault, port: 8443 }]
  hostnames: [blue.example, "*.both.example"]
  rules: [{ backendRefs: [{ name: blue, port: 8443, weight: 1 }, { name: green, port: 8443, weight: 0 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: green, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault }]
  hostnames: [green.example, only.both.example]
  rules: [{ backendRefs: [{ name: green, port: 8443 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: half, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault, port: 8443 }]
  hostnames: [half.example]
  rules: [{ backendRefs: [{ name: blue, port: 8443, weight: 1 }, { name: missing, port: 1, weight: 1 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: rest, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault, port: 9000 }]
  rules: [{ backendRefs: [{ name: blue, port: 8443 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: theirs, namespace: clients }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault, namespace: shop, port: 8443 }]
  hostnames: [blue.example]
  rules: [{ backendRefs: [{ name: green, namespace: shop, port: 8443 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: clients, namespace: shop }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: TLSRoute, namespace: clients }, { group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: clients }]
  to: [{ group: '', kind: Service }, { group: gateway.networking.x-k8s.io, kind: XBackend }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: rates, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: rates }]
  rules: [{ backendRefs: [{ group: gateway.networking.x-k8s.io, kind: XBackend, name: bank }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: billing, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: billing }]
  rules: [{ backendRefs: [{ group: gateway.networking.x-k8s.io, kind: XBackend, name: unverified }] }]
`

/** An XBackend of the server outside, which must carry a name. */
function outsideBackend(name: string, port: number, hostname: string): string {
  return `
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: { name: ${name}, namespace: shop }
spec:
  type: ExternalHostname
  externalHostname: { hostname: localhost }
  port: { port: ${port} }
  protocol: HTTP
  tls:
    mode: ClientAndServer
    clientCertificateRef: { name: shop }
    validation: { hostname: ${hostname}, caCertificateRefs: [{ group: '', kind: Secret, name: shop }] }
`
}

const authority = await testAuthority()

onBothPlanes('routes inside the mesh, on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane }, async (mesh) => {
    const own = await authority.issue('blue.example')
    mesh.options.tls = { key: own.privateKeyPem, cert: own.certificateChainPem }
    const bank = await authority.issue('bank.example')
    const port = await mesh.serve(tellingServer(bank, authority.rootPem))
    const secret = tlsSecret('shop', await authority.issue('shop.example'), authority.rootPem)
    const backends = outsideBackend('bank', port, 'bank.example') + outsideBackend('unverified', port, 'other.example')
    return `${routes}${backends}${secret}`
  })

  /** Who answers a client that asks for a server name; '' when the connection is closed. */
  const asks = async (socket: Socket, servername: string): Promise<string> => {
    const secured = connectTls({ socket, ...(servername === '' ? {} : { servername }), rejectUnauthorized: false })
    secured.on('secureConnect', () => secured.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'))
    return /\r\n\r\n(?:[0-9a-f]+\r\n)?([a-z0-9-]+)/.exec(await said(secured))?.[1] ?? ''
  }
  const dial = (caller: string, target: string): Socket => connectTcp(mesh.outbound(caller, target))
  const tunnel = async (caller: string, target: string): Promise<Socket> => {
    const { status, socket } = await mesh.tunnel(caller, target)
    assert.equal(status, 200)
    return socket
  }

  test('connections go by the server name that they ask for, the longest one first', async () => {
    const answers = ['blue.example', 'green.example', 'any.both.example', 'only.both.example'].map((name) =>
      asks(dial('web-0', 'vault.shop:8443'), name),
    )
    assert.deepEqual(await Promise.all(answers), ['blue-0', 'green-0', 'blue-0', 'green-0'])
  })

  test('what no route is for is closed, and so is the share of a backend that is not there', async () => {
    assert.equal(await asks(dial('web-0', 'vault.shop:8443'), 'unknown.example'), '')
    assert.equal(await asks(dial('web-0', 'vault.shop:8443'), ''), '')
    const shares = await Promise.all(
      Array.from({ length: 40 }, () => asks(dial('web-0', 'vault.shop:8443'), 'half.example')),
    )
    // All on one side of an even split: once in 2 to the power of 39.
    assert.deepEqual([...new Set(shares)].sort(), ['', 'blue-0'])
  })

  test('beside a TCPRoute, other names are its own', async () => {
    assert.equal(await asks(dial('web-0', 'vault.shop:9000'), 'green.example'), 'green-0')
    assert.equal(await asks(dial('web-0', 'vault.shop:9000'), 'unknown.example'), 'blue-0')
    assert.equal(await asks(dial('web-0', 'vault.shop:9000'), ''), 'blue-0')
  })

  test('inside a tunnel, too, the server name decides', async () => {
    const through = async (name: string): Promise<string> => asks(await tunnel('web-0', 'vault.shop:8443'), name)
    assert.equal(await through('blue.example'), 'blue-0')
    assert.equal(await through('green.example'), 'green-0')
    assert.equal(await through('unknown.example'), '')
  })

  test('callers of a namespace with a route of its own see that one alone', async () => {
    assert.equal(await asks(dial('stranger-0', 'vault.shop:8443'), 'blue.example'), 'green-0')
    assert.equal(await asks(dial('stranger-0', 'vault.shop:8443'), 'green.example'), '')
    assert.equal(await asks(await tunnel('stranger-0', 'vault.shop:8443'), 'blue.example'), 'green-0')
  })

  test('a host outside is shown the certificate that its XBackend names, and is not spoken to under another name', async () => {
    const answer = await mesh.call('web-0', 'http://rates.shop/')
    assert.deepEqual([answer.status, answer.body], [200, 'to DNS:shop.example'])
    assert.equal((await mesh.call('web-0', 'http://billing.shop/')).status, 503)
  })

  test('sidecars of other namespaces neither get the key nor reach the host', async () => {
    const { status } = await mesh.call('stranger-0', 'http://rates.shop/')
    assert.ok(status === 500 || status === 503, String(status))
  })
})
