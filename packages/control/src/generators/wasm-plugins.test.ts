import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, meshWorkloads, planInstances } from '@weft/resources'
import { typeUrl } from '@weft/xds'
import { buildSnapshot } from '../snapshot/mesh-snapshot.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import { resourceToJson } from '../patches/resource-to-json.ts'
import { Translator } from './translator.ts'

const workload = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog, namespace: shop, labels: { app: catalog } }
spec: { command: [catalog], serviceAccount: catalog, ports: [{ name: http, port: 8080 }, { name: http-b, port: 8081 }] }
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: check, namespace: shop }
`

/** Listeners of Weft's own proxy in a mesh whose objects were let in for Envoy: those in which everything is denied because of the module. */
function denying(spec: string): string[] {
  const { objects, problems } = loadFiles([{ name: 'in.yaml', text: `${workload}spec: ${spec}\n` }], 'envoy')
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const instances = planInstances(meshWorkloads(objects), []).map((one) => ({ ...one, ready: true }))
  const snapshot = buildSnapshot({ objects, instances, unenforceable: [], settings: defaultMeshSettings })
  const [instance] = snapshot.running.instances
  assert.ok(instance !== undefined)
  const ref = { id: 'catalog-0.shop', instance: instance.value, flavor: 'weft', interception: 'explicit' } as const
  const listeners = new Translator().translate(snapshot, ref).table.get(typeUrl.listener)
  return [...listeners.values()]
    .filter(({ body }) =>
      JSON.stringify(resourceToJson(typeUrl.listener, body)).includes(
        '"rules":{"action":"DENY","policies":{"ns[shop]-policy[check]-module"',
      ),
    )
    .map(({ name }) => name.replace(/_\d+\.\d+\.\d+\.\d+/, ''))
}

test("a check that Weft's own proxy cannot run denies what it is for, on either side", () => {
  const url = 'url: file:///check.wasm'
  assert.deepEqual(denying(`{ ${url}, phase: AUTHZ }`), ['inbound_8080', 'inbound_8081', 'outbound-http', 'tunnel'])
  assert.deepEqual(denying(`{ ${url}, phase: AUTHN, match: [{ mode: SERVER, ports: [{ number: 8081 }] }] }`), [
    'inbound_8081',
  ])
  assert.deepEqual(denying(`{ ${url}, phase: AUTHN, match: [{ mode: CLIENT, ports: [{ number: 80 }] }] }`), [
    'outbound-http',
    'tunnel',
  ])
  assert.deepEqual(denying(`{ ${url}, phase: STATS }`), [])
  assert.deepEqual(denying(`{ ${url}, phase: AUTHZ, selector: { matchLabels: { app: other } } }`), [])
})

test("one that checks who asks is refused at the door of Weft's own proxy, any other is told to have no effect", () => {
  const problemsOf = (phase: string): string[] => {
    const text = `${workload}spec: { url: file:///check.wasm, phase: ${phase} }\n`
    return loadFiles([{ name: 'in.yaml', text }], 'weft').problems.map(({ severity, field }) => `${severity} ${field}`)
  }
  assert.deepEqual(
    problemsOf('AUTHZ').filter((each) => each.startsWith('error')),
    ['error spec.phase'],
  )
  assert.deepEqual(problemsOf('STATS'), ['info spec.url', 'info spec.phase'])
})
