// A change of a route visits the gateway that serves it and the callers of its Service, whatever else is in the mesh; and what
// comes of it is what a translation from scratch gives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, meshWorkloads, ofKind, planInstances } from '@weft/resources'
import { pushOrder } from '@weft/xds'
import { proxyIdOf } from '../../proxy-identity.ts'
import { defaultMeshSettings } from '../../snapshot/mesh-settings.ts'
import { buildSnapshot, type MeshSnapshot } from '../../snapshot/mesh-snapshot.ts'
import { Translator } from '../translator.ts'

const api = 'apiVersion: gateway.networking.k8s.io/v1'

function mesh(services: number, edited: string): string {
  const parts = [`---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n`]
  for (let index = 0; index < services; index++) {
    parts.push(`
---
apiVersion: v1
kind: Service
metadata: { name: s${index}, namespace: shop }
spec: { selector: { app: s${index} }, ports: [{ name: http, port: 80 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: s${index}, namespace: shop, labels: { app: s${index} } }
spec: { command: [s], ports: [{ name: http, port: 8080 }] }
---
${api}
kind: Gateway
metadata: { name: g${index}, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: http, protocol: HTTP, port: 8080 }] }
---
${api}
kind: HTTPRoute
metadata: { name: r${index}, namespace: shop }
spec:
  parentRefs: [{ name: g${index} }]
  rules: [{ matches: [{ path: { value: ${index === 0 ? edited : '/same'} } }], backendRefs: [{ name: s${index}, port: 80 }] }]
`)
  }
  return parts.join('')
}

function snapshotOf(text: string, previous?: MeshSnapshot): MeshSnapshot {
  const { objects, problems } = loadFiles([{ name: 'f', text }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const instances = planInstances(meshWorkloads(objects), ofKind(objects, 'Service')).map((one) => ({
    ...one,
    ready: true,
  }))
  return buildSnapshot({ objects, unenforceable: [], instances, settings: defaultMeshSettings }, previous)
}

function translateAll(translator: Translator, snapshot: MeshSnapshot): Map<string, string> {
  return new Map(
    snapshot.running.instances.map(({ value }) => {
      const ref = { id: proxyIdOf(value), instance: value, flavor: 'envoy', interception: 'explicit' } as const
      const { table } = translator.translate(snapshot, ref)
      const resources = pushOrder.flatMap((type) => [...table.get(type).values()])
      return [ref.id, resources.map(({ name, version }) => `${name}@${version}`).join('\n')]
    }),
  )
}

function costOfEdit(services: number): { readonly views: number; readonly encoded: number } {
  const translator = new Translator()
  const before = snapshotOf(mesh(services, '/one'))
  translateAll(translator, before)
  const { views, encoded } = translator.work
  const after = snapshotOf(mesh(services, '/two'), before)
  const incremental = translateAll(translator, after)
  assert.deepEqual(incremental, translateAll(new Translator(), after))
  return { views: translator.work.views - views, encoded: translator.work.encoded - encoded }
}

test('editing a route costs the same beside 2 and beside 12 other Gateways', () => {
  const small = costOfEdit(3)
  assert.deepEqual(costOfEdit(13), small)
  assert.ok(small.views <= 5, `${small.views} views`)
  assert.ok(small.encoded >= 1)
})
