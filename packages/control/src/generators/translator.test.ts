import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadFiles, ofKind, planInstances, type SourceFile, type WorkloadInstance } from '@weft/resources'
import { pushOrder, typeUrl } from '@weft/xds'
import { buildOffline } from '../build-offline.ts'
import { buildSnapshot, type MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import type { ProxyRef } from './generator.ts'
import { type Translation, Translator } from './translator.ts'

const dir = join(import.meta.dirname, '../../../../examples/bookstore/mesh')
const files: SourceFile[] = readdirSync(dir).map((name) => ({ name, text: readFileSync(join(dir, name), 'utf8') }))

function planned(from: readonly SourceFile[], ready = true): WorkloadInstance[] {
  const { objects } = loadFiles(from)
  return planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service')).map((one) => ({ ...one, ready }))
}

function snapshotOf(
  from: readonly SourceFile[],
  instances: readonly WorkloadInstance[],
  previous?: MeshSnapshot,
): MeshSnapshot {
  const { objects } = loadFiles(from)
  return buildSnapshot({ objects, instances, unenforceable: [], settings: defaultMeshSettings }, previous)
}

function translateAll(translator: Translator, mesh: MeshSnapshot): Map<string, Translation> {
  const refs = mesh.running.instances.map(
    ({ value: instance }): ProxyRef => ({
      id: `${instance.name}.${instance.namespace}`,
      instance,
      flavor: 'weft',
      interception: 'explicit',
    }),
  )
  return new Map(refs.map((ref) => [ref.id, translator.translate(mesh, ref)]))
}

function edited(name: string, from: string | RegExp, to: string): SourceFile[] {
  return files.map((file) => {
    if (file.name !== name) return file
    const text = file.text.replace(from, to)
    assert.notEqual(text, file.text, `${name} has no ${from}`)
    return { name, text }
  })
}

function buildsOf(translator: Translator, work: () => void): Record<string, number> {
  const before = new Map(translator.buildCounts)
  work()
  return Object.fromEntries(
    [...translator.buildCounts]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )
}

test('a change of endpoints rebuilds the endpoints of its service and nothing else', () => {
  const translator = new Translator()
  const instances = planned(files)
  const first = snapshotOf(files, instances)
  const before = translateAll(translator, first)
  const next = instances.map((one) => (one.name === 'catalog-v1-0' ? { ...one, draining: true } : one))
  const second = snapshotOf(files, next, first)
  assert.equal(second.config, first.config)
  let after = before
  const builds = buildsOf(translator, () => {
    after = translateAll(translator, second)
  })
  assert.deepEqual(builds, { endpoints: 1, 'weft-workloads': 1 })
  for (const [id, translation] of after) {
    const old = before.get(id)
    assert.ok(old !== undefined)
    for (const type of [typeUrl.listener, typeUrl.cluster, typeUrl.routeConfiguration]) {
      assert.equal(translation.table.get(type), old.table.get(type), `${id} ${type}`)
    }
  }
})

test('proxies of one namespace share routes and endpoints: each is built once', () => {
  const translator = new Translator()
  translateAll(translator, snapshotOf(files, planned(files)))
  const services = loadFiles(files).objects.filter(({ id }) => id.kind === 'Service').length
  assert.equal(translator.buildCounts.get('outbound-routes'), 1)
  assert.equal(translator.buildCounts.get('endpoints'), services)
})

test('an edited route rebuilds routes only', () => {
  const translator = new Translator()
  const instances = planned(files)
  const first = snapshotOf(files, instances)
  translateAll(translator, first)
  const next = edited('catalog-routing.yaml', 'weight: 90', 'weight: 80').map((file) => ({
    ...file,
    text: file.text.replace('weight: 10', 'weight: 20'),
  }))
  const second = snapshotOf(next, instances, first)
  const builds = buildsOf(translator, () => translateAll(translator, second))
  assert.deepEqual(builds, { 'outbound-routes': 1 })
})

const large = (services: number, timeout: number): SourceFile[] => [
  {
    name: 'large.yaml',
    text: Array.from(
      { length: services },
      (_, index) => `apiVersion: v1
kind: Service
metadata: { name: s${index}, namespace: shop }
spec: { selector: { app: s${index} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: s${index}, namespace: shop, labels: { app: s${index} } }
spec: { command: [s], serviceAccount: s${index}, replicas: 2, ports: [{ name: http, port: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s${index}, namespace: shop }
spec: { hosts: [s${index}], http: [{ timeout: ${index === 0 ? timeout : 5}s, route: [{ destination: { host: s${index} } }] }] }
`,
    ).join('---\n'),
  },
]

test('the work of one change among 20 services and 40 proxies is counted', () => {
  const translator = new Translator()
  const instances = planned(large(20, 5))
  const first = snapshotOf(large(20, 5), instances)
  translateAll(translator, first)
  assert.equal(
    translator.buildCounts.get('outbound-clusters'),
    20 * 40,
    'a cluster names the address its proxy dials from',
  )
  assert.equal(translator.buildCounts.get('endpoints'), 20)
  assert.equal(translator.buildCounts.get('outbound-routes'), 1)
  const visits = (work: () => void): Record<string, number> => {
    const before = new Map(translator.visitCounts)
    work()
    const grown = [...translator.visitCounts].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
    return Object.fromEntries(grown.filter(([, count]) => count > 0))
  }
  const second = snapshotOf(large(20, 6), instances, first)
  const route = visits(() => {
    const builds = buildsOf(translator, () => translateAll(translator, second))
    assert.deepEqual(builds, { 'outbound-routes': 1 })
  })
  // Decision 0006: a look at each proxy's clusters, by key; the search behind it is once per namespace.
  assert.deepEqual([route['outbound-clusters'], route['endpoints'], route['outbound-routes']], [20 * 40, 20, 1])
  const gone = instances.map((one) => (one.name === 's3-0' ? { ...one, ready: false } : one))
  const scaled = visits(() => {
    const builds = buildsOf(translator, () => translateAll(translator, snapshotOf(large(20, 6), gone, second)))
    assert.deepEqual(builds, { endpoints: 1, 'weft-workloads': 1 })
  })
  assert.deepEqual(scaled, { endpoints: 20, 'weft-workloads': 1 }, 'proxies are not multiplied with services')
})

test('what was built is remembered while only endpoints change, however often', () => {
  const translator = new Translator()
  let instances = planned(files)
  let mesh = snapshotOf(files, instances)
  translateAll(translator, mesh)
  for (let round = 0; round < 5; round++) {
    instances = instances.map((one) => (one.name === 'web-0' ? { ...one, ready: !one.ready } : one))
    mesh = snapshotOf(files, instances, mesh)
    translateAll(translator, mesh)
  }
  const edit = edited('faults.yaml', 'fixedDelay: 2s', 'fixedDelay: 3s')
  const builds = buildsOf(translator, () => translateAll(translator, snapshotOf(edit, instances, mesh)))
  assert.equal(builds['outbound-clusters'], undefined)
  assert.equal(builds['inbound-listeners'], undefined)
})

test('moving lines and shuffling files changes no version', () => {
  const moved = files.map(({ name, text }) => ({ name, text: `# moved\n\n${text}` })).reverse()
  const a = buildOffline(files)
  const b = buildOffline(moved)
  assert.equal(a.snapshot.version, b.snapshot.version)
  for (const { name, namespace } of a.instances) {
    const id = `${name}.${namespace}`
    for (const type of pushOrder) {
      assert.equal(a.resourcesFor(id)?.versionOf(type), b.resourcesFor(id)?.versionOf(type))
    }
  }
  const origin = 'networking.istio.io/VirtualService/bookstore/catalog#spec.http[0]'
  const [lineA, lineB] = [a, b].map((mesh) => mesh.sourceMap.positionOf(origin)?.line ?? 0) as [number, number]
  assert.equal(lineB, lineA + 2)
})

test('only ready instances that are not draining are endpoints', () => {
  const instances = planned(files).map((one) => (one.name.startsWith('catalog-v1') ? { ...one, ready: false } : one))
  const mesh = buildOffline(files, { instances })
  const names = (cluster: string): number =>
    mesh.resourcesFor('web-0.bookstore')?.get(typeUrl.clusterLoadAssignment).get(cluster)?.body.length ?? 0
  const empty = names('outbound|80|v1|catalog.bookstore.svc.cluster.local')
  assert.ok(empty < 80, 'an assignment without endpoints is little more than its name')
  assert.ok(names('outbound|80|v2|catalog.bookstore.svc.cluster.local') > empty + 40)
})
