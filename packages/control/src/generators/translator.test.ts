import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import { loadFiles, ofKind, planInstances, type SourceFile, type WorkloadInstance } from '@weft/resources'
import { LargeMesh } from '@weft/testkit'
import { type EncodedResource, pushOrder, typeUrl } from '@weft/xds'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { buildOffline } from '../build-offline.ts'
import { buildSnapshot, type MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import type { TranslationWork } from './build-memory.ts'
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
  assert.deepEqual(builds, { endpoints: 1 })
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
  assert.equal(translator.buildCounts.get('outbound-routes'), services, 'one virtual host each')
  assert.equal(translator.buildCounts.get('outbound-clusters'), services)
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

/** The work between two moments, without the counts that did not move. */
function workOf(translator: Translator, act: () => void): Partial<TranslationWork> {
  const before = translator.work
  act()
  const grown = Object.entries(translator.work).map(
    ([name, count]) => [name, count - before[name as keyof TranslationWork]] as const,
  )
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}

/** A large mesh and its translator, everything translated once. */
function largeWorld(services: number) {
  const large = new LargeMesh({ services, proxies: 12, namespaces: 3 })
  const translator = new Translator()
  const settings = defaultMeshSettings
  let mesh: MeshSnapshot | undefined
  const translate = (): Map<string, Translation> => {
    mesh = buildSnapshot({ objects: large.objects, instances: large.instances, unenforceable: [], settings }, mesh)
    return translateAll(translator, mesh)
  }
  translate()
  return { large, translator, translate }
}

for (const services of [100, 2_000]) {
  describe(`with ${services} services`, () => {
    const { large, translator, translate } = largeWorld(services)

    test('one changed rule encodes one virtual host per namespace that it looks different from, and visits nothing else', () => {
      const work = workOf(translator, () => {
        large.setTimeout(0, '6s')
        translate()
      })
      const { encodedBytes = 0, splicedBytes: _, ...counts } = work
      // Short names differ in the service's own namespace; the other two share a build.
      assert.deepEqual(counts, { objects: 1, topics: 4, views: 6, builds: 2, encoded: 2, spliced: 3 })
      assert.ok(encodedBytes > 300 && encodedBytes < 2_000, `${encodedBytes} bytes encoded`)
    })

    test('one changed endpoint encodes one assignment', () => {
      const work = workOf(translator, () => {
        large.setReady(3, false)
        translate()
      })
      const { encodedBytes = 0, ...counts } = work
      assert.deepEqual(counts, { objects: 1, topics: 2, views: 2, builds: 1, encoded: 1 })
      assert.ok(encodedBytes < 200, `${encodedBytes} bytes encoded`)
    })

    test('another proxy of a known scope encodes its own listeners, cluster and place in the directory', () => {
      const work = workOf(translator, () => {
        large.addInstance()
        translate()
      })
      const { encodedBytes: _, splicedBytes: __, ...counts } = work
      // Inbound cluster and listener, outbound proxy and tunnel, connect_originate twice, its name in weft.workloads, its address behind its
      // Service.
      assert.deepEqual(counts, { objects: 1, topics: 2, views: 8, builds: 7, encoded: 8, spliced: 1 })
    })

    test('an edited annotation changes no table', () => {
      const before = translate()
      large.annotate(1, 'to whom it may concern')
      const after = translate()
      for (const [id, { table }] of before)
        for (const type of pushOrder) assert.equal(after.get(id)?.table.get(type), table.get(type))
    })
  })
}

test('clusters and endpoints are the same objects for all proxies until a namespace has a rule of its own', () => {
  const large = new LargeMesh({ services: 4, proxies: 4, namespaces: 2 })
  const translator = new Translator()
  const mesh = buildSnapshot({
    objects: large.objects,
    instances: large.instances,
    unenforceable: [],
    settings: defaultMeshSettings,
  })
  const sizes = (): number[] => ['outbound-clusters', 'endpoints'].map((name) => translator.viewCounts.get(name) ?? 0)
  translateAll(translator, mesh)
  assert.deepEqual(sizes(), [4, 4])
  const rule = loadFiles([
    {
      name: 'rule.yaml',
      text: `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: mine, namespace: n1 }
spec: { host: s0.n0.svc.cluster.local, exportTo: ['.'], trafficPolicy: { loadBalancer: { simple: RANDOM } } }
`,
    },
  ])
  const objects = [...large.objects, ...rule.objects]
  const next = buildSnapshot(
    { objects, instances: large.instances, unenforceable: [], settings: defaultMeshSettings },
    mesh,
  )
  const after = translateAll(translator, next)
  const name = 'outbound|80||s0.n0.svc.cluster.local'
  const cluster = (id: string): EncodedResource | undefined => after.get(id)?.table.get(typeUrl.cluster).get(name)
  assert.notEqual(cluster('s1-0.n1'), cluster('s0-0.n0'))
  assert.equal(cluster('s2-0.n0'), cluster('s0-0.n0'))
  assert.equal(
    translator.buildCounts.get('outbound-clusters'),
    5,
    'only the Service that the rule is for is built anew',
  )
})

test('pieces put together are what encoding the whole would give', () => {
  for (const [type, schema] of [
    [typeUrl.routeConfiguration, RouteConfigurationSchema],
    [typeUrl.clusterLoadAssignment, ClusterLoadAssignmentSchema],
  ] as const) {
    for (const { table } of translateAll(new Translator(), snapshotOf(files, planned(files))).values()) {
      for (const { name, body } of table.get(type).values()) {
        const again = toBinary<DescMessage>(schema, fromBinary<DescMessage>(schema, body))
        assert.deepEqual(Buffer.from(body), Buffer.from(again), name)
      }
    }
  }
})

test('what nobody uses any more is forgotten, and comes back when somebody does', () => {
  const translator = new Translator()
  const instances = planned(files)
  const first = snapshotOf(files, instances)
  const before = translateAll(translator, first)
  for (const id of before.keys()) translator.forget(id)
  const empty = snapshotOf(files, [], first)
  translateAll(translator, empty)
  const builds = buildsOf(translator, () => {
    const after = translateAll(translator, snapshotOf(files, instances, empty))
    for (const [id, { table }] of before) {
      for (const type of pushOrder) assert.equal(after.get(id)?.table.versionOf(type), table.versionOf(type))
    }
  })
  assert.ok((builds['outbound-clusters'] ?? 0) > 0, 'nothing was kept for nobody')
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
