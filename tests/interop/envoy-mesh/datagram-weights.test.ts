// A UDPRoute shares out the sessions of its clients among its backends.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { assertSharedOut, DatagramSockets, manyAndFew } from './datagram-sockets.ts'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { gatewayWorkload } from './mesh-texts.ts'

const base =
  gatewayWorkload('gateway', 'gateway.networking.k8s.io/gateway-name: edge') +
  manyAndFew('{ name: dns, port: 53, targetPort: 5353, protocol: UDP }')

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

onBothPlanes('weights of a UDPRoute, on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane }, routes)
  const sockets = new DatagramSockets()
  before(async () => {
    for (const instance of mesh.instances.filter(({ proxy }) => proxy === 'none')) await sockets.serve(instance, 5353)
  })
  after(() => sockets.close())

  test('sessions are shared out by the weights of the backends, however many endpoints these have', async () => {
    assertSharedOut(await sockets.answers(mesh.at('gateway-0', 5300), 40))
  })

  test('the share of a backend that is not there is dropped, and stays dropped', async () => {
    const asked = await sockets.ask(mesh.at('gateway-0', 5301), 20)
    await until(() => asked.answered >= 9)
    // Other clients come and go meanwhile; those that were dropped ask again and again.
    for (let round = 0; round < 5; round++) {
      asked.again()
      const others = await sockets.ask(mesh.at('gateway-0', 5301), 2)
      await until(() => others.answered >= 1)
    }
    assert.ok(asked.answered >= 9 && asked.answered <= 11, `${asked.answered} of 20`)
  })
})
