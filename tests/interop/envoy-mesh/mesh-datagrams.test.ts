// UDPRoutes with a Service as parent: what an application sends to the Service's UDP port goes by them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { type Asking, assertSharedOut, DatagramSockets, manyAndFew } from './datagram-sockets.ts'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { service, workload } from './mesh-texts.ts'

const ports =
  '{ name: dns, port: 53, targetPort: 5353, protocol: UDP }, { name: gone, port: 54, protocol: UDP }, { name: tcp, port: 53, targetPort: 5353 }'
const base = [
  workload('web'),
  workload('caller', { namespace: 'clients' }),
  manyAndFew(ports),
  // Behind a sidecar, which takes no datagrams: they go to its application.
  workload('names', { ports: '{ name: dns, port: 5353 }' }),
  service('names', { ports }),
].join('')

const udpRoute = (name: string, namespace: string, parent: string, backends: string): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  parentRefs: [{ group: '', kind: Service, name: names, namespace: shop, ${parent} }]
  rules: [{ backendRefs: [${backends}] }]
`
const gone = udpRoute('gone', 'shop', 'port: 54', '{ name: missing, port: 53 }')
const split = udpRoute(
  'split',
  'shop',
  'port: 53',
  '{ name: many, port: 53, weight: 1 }, { name: few, port: 53, weight: 3 }',
)
const consumer = udpRoute('own', 'clients', 'port: 53', '{ name: names, namespace: shop, port: 53 }')
const grant = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: clients, namespace: shop }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: UDPRoute, namespace: clients }]
  to: [{ group: '', kind: Service }]
`

onBothPlanes('UDPRoutes inside the mesh, on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane }, gone + split + consumer + grant)
  const sockets = new DatagramSockets()
  before(async () => {
    const backends = ['many', 'few', 'names']
    for (const instance of mesh.instances.filter((one) => backends.includes(one.workload)))
      await sockets.serve(instance, 5353)
  })
  after(() => sockets.close())

  /** Where the application of a caller sends what is for the Service. */
  const names = (caller: string, port: number): Asking => mesh.outbound(caller, `names.shop:${port}`, 'UDP')
  /** Who answers one client, as soon as anybody does. */
  const answerTo = async (caller: string): Promise<string | undefined> =>
    (await sockets.answers(names(caller, 53), 1))[0]

  test('the sessions of applications are shared out by weight', async () => {
    assertSharedOut(await sockets.answers(names('web-0', 53), 40))
  })

  test('callers of a namespace with a route of its own go by that one', async () => {
    assert.equal(await answerTo('caller-0'), 'names names-0')
  })

  test('datagrams to what is not there are dropped', async () => {
    const lost = await sockets.ask(names('web-0', 54), 5)
    for (let round = 0; round < 5; round++) {
      lost.again()
      // What is asked later is answered meanwhile.
      assert.ok((await answerTo('web-0')) !== undefined)
    }
    assert.equal(lost.answered, 0)
  })

  test('without its own route a namespace goes by that of the Service; without any, nobody answers', async () => {
    mesh.edit(gone + split)
    await until(async () => /^(?:many|few) /.test((await answerTo('caller-0')) ?? ''))
    await until(() => sockets.isAnswered(names('web-0', 53)))
    mesh.edit(gone)
    await until(async () => !(await sockets.isAnswered(names('web-0', 53))))
  })
})
