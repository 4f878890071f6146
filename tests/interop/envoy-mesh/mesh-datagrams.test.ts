// UDPRoutes with a Service as parent: what an application sends to the Service's UDP port goes by them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Asked, DatagramSockets } from './datagram-sockets.ts'
import { EnvoyMesh, skipWithoutEnvoy, until } from './envoy-mesh.ts'
import { service, workload } from './mesh-texts.ts'

const served = { ports: '{ name: dns, port: 5353 }' }
const outside = { ...served, more: 'proxy: none' }
const ports =
  '{ name: dns, port: 53, targetPort: 5353, protocol: UDP }, { name: gone, port: 54, protocol: UDP }, { name: tcp, port: 53, targetPort: 5353 }'
const base = [
  workload('web'),
  workload('caller', { namespace: 'clients' }),
  workload('many', { ...outside, more: `${outside.more}, replicas: 2` }),
  workload('few', outside),
  // Behind a sidecar, which takes no datagrams: they go to its application.
  workload('names', served),
  ...['many', 'few', 'names'].map((name) => service(name, { ports })),
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

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`UDPRoutes inside the mesh, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const mesh = new EnvoyMesh({ base, dataPlane })
    const sockets = new DatagramSockets()
    before(async () => {
      await mesh.start(gone + split + consumer + grant)
      const backends = ['many', 'few', 'names']
      for (const instance of mesh.instances.filter((one) => backends.includes(one.workload)))
        await sockets.serve(instance, 5353)
    })
    after(() => {
      sockets.close()
      mesh.close()
    })

    /** Where the application of a caller sends what is for the Service. */
    const addressFor = (caller: string, port: number): { readonly host: string; readonly port: number } => {
      const host = mesh.instance(caller).outboundUdp?.[`names.shop:${port}`]
      assert.ok(host !== undefined)
      return { host, port }
    }
    const ask = (caller: string, port: number, clients: number): Promise<Asked> =>
      sockets.ask(addressFor(caller, port), clients)
    /** Who answers one client, as soon as anybody does. */
    const answerTo = async (caller: string): Promise<string | undefined> => {
      const asked = await ask(caller, 53, 1)
      await until(() => {
        asked.again()
        return asked.answered === 1
      })
      return asked.answers[0]
    }

    test('the sessions of applications are shared out by weight', async () => {
      const asked = await ask('web-0', 53, 40)
      await until(() => {
        asked.again()
        return asked.answered === 40
      })
      const count = (name: string): number => asked.answers.filter((answer) => answer?.startsWith(name)).length
      // Round robin by weight: exactly a quarter, but for datagrams of the first moments.
      assert.ok(Math.abs(count('few') - 30) <= 2 && Math.abs(count('many') - 10) <= 2, asked.answers.join(', '))
      assert.ok(count('many many-0') > 0 && count('many many-1') > 0)
    })

    test('callers of a namespace with a route of its own go by that one', async () => {
      assert.equal(await answerTo('caller-0'), 'names names-0')
    })

    test('datagrams to what is not there are dropped', async () => {
      const lost = await ask('web-0', 54, 5)
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
      await until(() => sockets.isAnswered(addressFor('web-0', 53)))
      mesh.edit(gone)
      await until(async () => !(await sockets.isAnswered(addressFor('web-0', 53))))
    })
  })
}
