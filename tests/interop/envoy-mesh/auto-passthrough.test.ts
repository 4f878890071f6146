// A gateway that passes mutual TLS of the mesh on by its server name: who calls and who answers verify each other through it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { EnvoyMesh, skipWithoutEnvoy } from './envoy-mesh.ts'
import { gatewayWorkload, served, workload } from './mesh-texts.ts'

const base = `${gatewayWorkload('gateway')}${workload('web')}${served('catalog')}${served('open')}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: open, namespace: shop }
spec: { selector: { matchLabels: { app: open } }, mtls: { mode: DISABLE } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: cross-network, namespace: shop }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }
    - { port: { number: 15443, name: tls, protocol: TLS }, hosts: ["*.local"], tls: { mode: AUTO_PASSTHROUGH } }
`

/** A name for what is behind the gateway: sidecars ask for `sni`, and let nobody answer but `account`. */
function beyond(host: string, address: string, sni: string, account: string): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${host}, namespace: shop }
spec:
  hosts: [${host}.far.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 15443 }]
  resolution: STATIC
  endpoints: [{ address: ${address} }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host}, namespace: shop }
spec:
  host: ${host}.far.example
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, sni: ${sni}, subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/${account}"] }
`
}

const catalog = 'outbound_.80_._.catalog.shop.svc.cluster.local'

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`AUTO_PASSTHROUGH, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const mesh = new EnvoyMesh({ base, dataPlane })
    before(async () => {
      await mesh.start()
      const at = mesh.instance('gateway-0').address
      mesh.edit(
        beyond('catalog', at, catalog, 'catalog') +
          beyond('impostor', at, catalog, 'somebody-else') +
          beyond('nobody', at, 'outbound_.81_._.catalog.shop.svc.cluster.local', 'catalog'),
      )
    })
    after(() => mesh.close())

    /** The answer once the mesh knows the host: until then the sidecar says 502. */
    const answer = async (host: string) => {
      const deadline = Date.now() + 20_000
      for (;;) {
        const got = await mesh.call('web-0', `http://${host}.far.example/`)
        if (got.status !== 502 || got.body === 'web-0') return got
        assert.ok(Date.now() < deadline, `${host} is not known within 20 s: ${got.body}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }

    test('a call goes through the gateway to the workload, which learns who called', async () => {
      assert.deepEqual(
        { ...(await answer('catalog')), headers: undefined },
        { status: 200, body: 'catalog-0', headers: undefined },
      )
      assert.match(
        String(mesh.seen.at(-1)?.headers['x-forwarded-client-cert']),
        /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web/,
      )
    })

    test('who answers behind the gateway is verified by the caller', async () => {
      assert.equal((await answer('impostor')).status, 503)
    })

    test('a server name that stands for nothing is closed', async () => {
      assert.equal((await answer('nobody')).status, 503)
    })

    /** The names of the certificate that answers to a server name; nothing when the connection is closed. */
    const shown = (servername: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const to = { host: mesh.instance('gateway-0').address, port: 15443, servername, rejectUnauthorized: false }
        const socket = connect(to, () => {
          resolve(socket.getPeerCertificate().subjectaltname ?? '')
          socket.destroy()
        })
        socket.setTimeout(10_000, () => socket.destroy(new Error('silent for 10 s')))
        socket.on('error', (error: NodeJS.ErrnoException) =>
          error.code === 'ECONNRESET' ? resolve('') : reject(error),
        )
      })

    test('TLS ends at the workload; a workload that takes no mutual TLS is not reached', async () => {
      assert.equal(await shown(catalog), 'URI:spiffe://cluster.local/ns/shop/sa/catalog')
      assert.equal(await shown('outbound_.80_._.open.shop.svc.cluster.local'), '')
      assert.equal(await shown('catalog.shop.svc.cluster.local'), '')
    })
  })
}
