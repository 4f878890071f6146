// A UDPRoute shares out the sessions of its clients among its backends.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Asked, DatagramSockets } from './datagram-sockets.ts'
import { EnvoyMesh, skipWithoutEnvoy, until } from './envoy-mesh.ts'
import { gatewayWorkload, service, workload } from './mesh-texts.ts'

const outside = { ports: '{ name: dns, port: 5353 }', more: 'proxy: none' }
const ports = '{ name: dns, port: 53, targetPort: 5353, protocol: UDP }'
const base = [
  gatewayWorkload('gateway', 'gateway.networking.k8s.io/gateway-name: edge'),
  workload('many', { ...outside, more: `${outside.more}, replicas: 2` }),
  workload('few', outside),
  ...['many', 'few'].map((name) => service(name, { ports })),
].join('')

const routes = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  gatewayClassName: weft
  listeners:
    - { name: split, protocol: UDP, port: 5300 }
    - { name: half, protocol: UDP, port: 5301 }
    - { name: http, protocol: HTTP, port: 8080 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: split, namespace: shop }
spec:
  parentRefs: [{ name: edge, sectionName: split }]
  rules: [{ backendRefs: [{ name: many, port: 53, weight: 1 }, { name: few, port: 53, weight: 3 }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: half, namespace: shop }
spec:
  parentRefs: [{ name: edge, sectionName: half }]
  rules: [{ backendRefs: [{ name: few, port: 53, weight: 1 }, { name: missing, port: 53, weight: 1 }] }]
`

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`weights of a UDPRoute, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const mesh = new EnvoyMesh({ base, dataPlane })
    const sockets = new DatagramSockets()
    before(async () => {
      await mesh.start(routes)
      for (const instance of mesh.instances.filter(({ proxy }) => proxy === 'none')) await sockets.serve(instance, 5353)
    })
    after(() => {
      sockets.close()
      mesh.close()
    })
    const ask = (port: number, clients: number): Promise<Asked> =>
      sockets.ask({ host: mesh.instance('gateway-0').address, port }, clients)

    test('sessions are shared out by the weights of the backends, however many endpoints these have', async () => {
      const asked = await ask(5300, 40)
      await until(() => {
        asked.again()
        return asked.answered === 40
      })
      const { answers } = asked
      const count = (name: string): number => answers.filter((answer) => answer?.startsWith(name)).length
      // Round robin by weight: exactly a quarter, but for datagrams of the first moments.
      assert.ok(Math.abs(count('few') - 30) <= 2 && Math.abs(count('many') - 10) <= 2, [...answers].sort().join(', '))
      assert.ok(count('many many-0') > 0 && count('many many-1') > 0)
    })

    test('the share of a backend that is not there is dropped, and stays dropped', async () => {
      const asked = await ask(5301, 20)
      await until(() => asked.answered >= 9)
      // Other clients come and go meanwhile; those that were dropped ask again and again.
      for (let round = 0; round < 5; round++) {
        asked.again()
        const others = await ask(5301, 2)
        await until(() => others.answered >= 1)
      }
      assert.ok(asked.answered >= 9 && asked.answered <= 11, `${asked.answered} of 20`)
    })
  })
}
