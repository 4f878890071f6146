// A gateway that passes mutual TLS of the mesh on by its server name: who calls and who answers verify each other through it.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { connect } from 'node:tls'
import { until } from '@weft/testkit/until'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { gatewayWorkload, outsideHosts, served, workload } from './mesh-texts.ts'
import type { Answer } from './plain-clients.ts'

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
  const port = '{ number: 80, name: http, protocol: HTTP, targetPort: 15443 }'
  return `${outsideHosts(host, { hosts: `${host}.far.example`, port, endpoint: address })}
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

onBothPlanes('AUTO_PASSTHROUGH, on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane })
  before(() => {
    const at = mesh.instance('gateway-0').address
    mesh.edit(
      beyond('catalog', at, catalog, 'catalog') +
        beyond('impostor', at, catalog, 'somebody-else') +
        beyond('nobody', at, 'outbound_.81_._.catalog.shop.svc.cluster.local', 'catalog'),
    )
  })

  /** The answer once the mesh knows the host: until then the sidecar says 502. */
  const answer = async (host: string) => {
    let got: Answer | undefined
    await until(
      async () => (got = await mesh.call('web-0', `http://${host}.far.example/`)).status !== 502,
      () => `${host} is not known: ${got?.body}`,
    )
    return got
  }

  test('a call goes through the gateway to the workload, which learns who called', async () => {
    const got = await answer('catalog')
    assert.deepEqual([got?.status, got?.body], [200, 'catalog-0'])
    assert.match(
      String(mesh.seen.at(-1)?.headers['x-forwarded-client-cert']),
      /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web/,
    )
  })

  test('who answers behind the gateway is verified by the caller', async () => {
    assert.equal((await answer('impostor'))?.status, 503)
  })

  test('a server name that stands for nothing is closed', async () => {
    assert.equal((await answer('nobody'))?.status, 503)
  })

  /** The names of the certificate that answers to a server name; nothing when the connection is closed. */
  const shown = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const to = { ...mesh.at('gateway-0', 15443), servername, rejectUnauthorized: false }
      const socket = connect(to, () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? '')
        socket.destroy()
      })
      socket.setTimeout(10_000, () => socket.destroy(new Error('silent for 10 s')))
      socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve('') : reject(error)))
    })

  test('TLS ends at the workload; a workload that takes no mutual TLS is not reached', async () => {
    assert.equal(await shown(catalog), 'URI:spiffe://cluster.local/ns/shop/sa/catalog')
    assert.equal(await shown('outbound_.80_._.open.shop.svc.cluster.local'), '')
    assert.equal(await shown('catalog.shop.svc.cluster.local'), '')
  })
})
