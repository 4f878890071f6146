import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { loadFiles, ofKind, planInstances } from '@weft/resources'
import { typeUrl } from '@weft/xds'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { buildSnapshot } from '../snapshot/mesh-snapshot.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import { Translator } from './translator.ts'

const dir = join(import.meta.dirname, '../../../../examples/bookstore/mesh')
const files = readdirSync(dir).map((name) => ({ name, text: readFileSync(join(dir, name), 'utf8') }))
/** Nothing is ever sent through them. */
const unused = new Set(['BlackHoleCluster', 'weft.workloads'])
const unlimited = 4_294_967_295

test('what nobody limits waits as long as there is room: no cluster is left to the defaults of Envoy', () => {
  const { objects } = loadFiles(files)
  const instances = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'))
  const mesh = buildSnapshot({
    objects,
    instances: instances.map((one) => ({ ...one, ready: true })),
    unenforceable: [],
    settings: defaultMeshSettings,
  })
  const translator = new Translator()
  const seen = new Set<string>()
  for (const { value: instance } of mesh.running.instances) {
    const ref = { id: instance.name, instance, flavor: 'weft', interception: 'explicit' } as const
    for (const { name, body } of translator.translate(mesh, ref).table.get(typeUrl.cluster).values()) {
      if (unused.has(name)) continue
      const { circuitBreakers } = fromBinary(ClusterSchema, body)
      const [limits] = circuitBreakers?.thresholds ?? []
      const all = [limits?.maxConnections, limits?.maxPendingRequests, limits?.maxRequests, limits?.maxRetries]
      assert.deepEqual(all, [unlimited, unlimited, unlimited, unlimited], name)
      seen.add(name.split('|')[0] ?? '')
    }
  }
  assert.deepEqual([...seen].sort(), ['PassthroughCluster', 'connect_originate', 'inbound', 'outbound', 'tunnel'])
})
