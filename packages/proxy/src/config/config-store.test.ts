import assert from 'node:assert/strict'
import { test } from 'node:test'
import { err, ok } from '@weft/core'
import type { ActiveConfig, Cluster, EndpointSet, Listener, RouteConfig } from '@weft/engine'
import { simRuntime } from '@weft/testkit'
import { typeUrl } from '@weft/xds'
import { ConfigStore } from './config-store.ts'
import { PersistedResources } from './persisted-resources.ts'
import type { ResourceReaders } from './resource-readers.ts'

// Bodies here are JSON, so that the store is tested apart from the readers: it never looks inside.
const readJson = (name: string, body: Uint8Array) => {
  const value = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>
  return value['bad'] === undefined ? ok({ name, ...value }) : err(String(value['bad']))
}
const readers: ResourceReaders = new Map(
  [typeUrl.listener, typeUrl.routeConfiguration, typeUrl.cluster, typeUrl.clusterLoadAssignment].map((type) => [
    type,
    readJson,
  ]),
)

const clusterOf = (edsName: string, secrets: string[] = []): Partial<Cluster> => ({
  discovery: { kind: 'eds', edsName },
  secretNames: secrets,
})
const listenerOf = (routeNames: string[], secrets: string[] = []): Partial<Listener> => ({
  routeConfigNames: routeNames,
  secretNames: secrets,
  clusterNames: [],
  filterChains: [],
})
const routesTo = (...clusterNames: string[]): Partial<RouteConfig> => ({ clusterNames })
const endpoints: Partial<EndpointSet> = { localities: [] }

function resource(name: string, value: object, version = '1') {
  return { name, version, value: new TextEncoder().encode(JSON.stringify(value)) }
}

function makeStore(seed = 1) {
  const { world, runtime } = simRuntime(seed)
  const secrets = new Set<string>()
  const seen = { configs: [] as ActiveConfig[], references: new Map<string, readonly string[]>(), endpoints: 0 }
  const persisted = new PersistedResources(runtime, '/state/resources.pb')
  const store: ConfigStore = new ConfigStore(runtime, readers, secrets, {
    onConfig: (config) => seen.configs.push(config),
    onEndpoints: () => seen.endpoints++,
    onReferences: (type, names) => seen.references.set(type, names),
    onAccepted: () => persisted.schedule(store),
  })
  return { world, runtime, secrets, seen, store, persisted }
}

test('good resources of a response apply and bad ones are refused by name, keeping their last good version', async () => {
  const { store } = makeStore()
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo())], [])
  await store.onUpdate(typeUrl.listener, [resource('l', listenerOf([]))], [])
  const before = store.active.listeners.get('l')
  const refused = await store.onUpdate(
    typeUrl.listener,
    [resource('l', { bad: 'filter_chains[0]: no' }, '2'), resource('m', listenerOf([]), '2')],
    [],
  )
  assert.deepEqual(refused, [{ name: 'l', reason: 'filter_chains[0]: no' }])
  assert.equal(store.active.listeners.get('l'), before)
  assert.deepEqual(
    [...store.held(typeUrl.listener)],
    [
      ['l', '1'],
      ['m', '2'],
    ],
  )
  assert.deepEqual(store.refused.get(typeUrl.listener)?.get('l'), { version: '2', reason: 'filter_chains[0]: no' })
})

test('a resource that holds a private key is served and never written to the disk', async () => {
  const { runtime, store, persisted } = makeStore()
  const keyed = { ...listenerOf([]), holdsKeys: true, key: 'PRIVATE' }
  await store.onUpdate(typeUrl.listener, [resource('keyed', keyed), resource('plain', listenerOf([]))], [])
  assert.deepEqual([...store.active.listeners.keys()], ['keyed', 'plain'])
  await persisted.close(store)
  const bytes = await runtime.files.read('/state/resources.pb')
  assert.ok(bytes !== undefined)
  const text = new TextDecoder('latin1').decode(bytes)
  assert.match(text, /plain/)
  assert.doesNotMatch(text, /keyed|PRIVATE/)
})

test('a listener is served once its routes and secrets are there, and its routes once their clusters are warm', async () => {
  const { store, seen, secrets } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('c', clusterOf('c-eds'))], [])
  await store.onUpdate(typeUrl.listener, [resource('l', listenerOf(['r'], ['default']))], [])
  assert.deepEqual(seen.references.get(typeUrl.clusterLoadAssignment), ['c-eds'])
  assert.deepEqual(seen.references.get(typeUrl.routeConfiguration), ['r'])
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('c'))], [])
  assert.deepEqual(seen.configs, [])
  assert.deepEqual(store.warming, [
    { kind: 'cluster', name: 'c', waitsFor: ['endpoints c-eds'] },
    { kind: 'route', name: 'r', waitsFor: ['c'] },
    { kind: 'listener', name: 'l', waitsFor: ['routes r', 'secret default'] },
  ])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('c-eds', endpoints)], [])
  assert.equal(store.active.listeners.size, 0)
  secrets.add('default')
  store.onSecrets()
  assert.deepEqual([...store.active.listeners.keys()], ['l'])
  assert.deepEqual(store.warming, [])
})

test('a changed route goes on serving the old way until the cluster it moves to has endpoints', async () => {
  const { store } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a')), resource('b', clusterOf('b'))], [])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  await store.onUpdate(typeUrl.listener, [resource('l', listenerOf(['r']))], [])
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('a'))], [])
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('b'), '2')], [])
  assert.deepEqual(store.active.routeConfigs.get('r')?.clusterNames, ['a'])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('b', endpoints)], [])
  assert.deepEqual(store.active.routeConfigs.get('r')?.clusterNames, ['b'])
})

test('a cluster whose endpoints never come serves without them after fifteen seconds', async () => {
  const { store, world } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a'))], [])
  await world.clock.advance(14_900)
  assert.equal(store.active.clusters.size, 0)
  await world.clock.advance(200)
  assert.equal(store.active.clusters.size, 1)
})

test('a secret is waited for without end, or for 15 s where it may be done without', async () => {
  const { store, world } = makeStore()
  const own = { ...clusterOf('a', ['default']), dispensableSecrets: [] }
  const written = {
    ...clusterOf('a', ['kubernetes://partner']),
    dispensableSecrets: [{ name: 'kubernetes://partner', afterMs: 15_000 }],
  }
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  await store.onUpdate(typeUrl.cluster, [resource('own', own), resource('written', written)], [])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  await world.clock.advance(14_900)
  assert.deepEqual([...store.active.clusters.keys()], [])
  await world.clock.advance(200)
  assert.deepEqual([...store.active.clusters.keys()], ['written'])
  await world.clock.advance(60_000)
  assert.deepEqual(store.warming, [{ kind: 'cluster', name: 'own', waitsFor: ['secret default'] }])
})

test('a listener with a secret that may be done without serves without it once its time is over, and waits anew for another', async () => {
  const { store, world, secrets } = makeStore()
  const naming = (...names: string[]) => ({
    ...listenerOf([], names),
    dispensableSecrets: names.map((name) => ({ name, afterMs: 2_000 })),
  })
  const named = () => store.active.listeners.get('l')?.secretNames
  await store.onUpdate(typeUrl.listener, [resource('l', naming('kubernetes://a'))], [])
  await world.clock.advance(1_900)
  assert.equal(named(), undefined)
  assert.deepEqual(store.warming, [{ kind: 'listener', name: 'l', waitsFor: ['secret kubernetes://a'] }])
  await world.clock.advance(200)
  assert.deepEqual(named(), ['kubernetes://a'])
  assert.deepEqual(store.warming, [])
  await world.clock.advance(60_000)
  await store.onUpdate(typeUrl.listener, [resource('l', naming('kubernetes://a', 'kubernetes://b'), '2')], [])
  assert.deepEqual(named(), ['kubernetes://a'])
  secrets.add('kubernetes://b')
  store.onSecrets()
  assert.deepEqual(named(), ['kubernetes://a', 'kubernetes://b'])
})

test('a cluster that once waited waits again for endpoints under another name', async () => {
  const { store, world } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('c', clusterOf('a'))], [])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  await world.clock.advance(60_000)
  await store.onUpdate(typeUrl.cluster, [resource('c', clusterOf('b'), '2')], [])
  assert.deepEqual(store.active.clusters.get('c')?.discovery, { kind: 'eds', edsName: 'a' })
  await world.clock.advance(15_100)
  assert.deepEqual(store.active.clusters.get('c')?.discovery, { kind: 'eds', edsName: 'b' })
})

test('a cluster taken away before its routes stays until they let go of it, or for five seconds', async () => {
  const { store, world } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a')), resource('b', clusterOf('b'))], [])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints), resource('b', endpoints)], [])
  await store.onUpdate(typeUrl.listener, [resource('l', listenerOf(['r']))], [])
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('a', 'b'))], [])
  await store.onUpdate(typeUrl.cluster, [], ['a', 'b'])
  assert.deepEqual([...store.active.clusters.keys()].sort(), ['a', 'b'])
  await store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('b'), '2')], [])
  assert.deepEqual([...store.active.clusters.keys()], ['b'])
  await world.clock.advance(5_100)
  assert.equal(store.active.clusters.size, 0)
})

test('endpoint updates swap nothing', async () => {
  const { store, seen } = makeStore()
  await store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a'))], [])
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  const config = store.active
  await store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints, '2')], [])
  assert.equal(store.active, config)
  assert.equal(seen.configs.length, 1)
  assert.equal(seen.endpoints, 2)
})

test('the next generation serves what the last one accepted, and offers its versions', async () => {
  const first = makeStore()
  await first.store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a'), '7')], [])
  await first.store.onUpdate(typeUrl.clusterLoadAssignment, [resource('a', endpoints)], [])
  await first.store.onUpdate(typeUrl.listener, [resource('l', listenerOf(['r']))], [])
  await first.store.onUpdate(typeUrl.routeConfiguration, [resource('r', routesTo('a'))], [])
  await first.world.clock.advance(200)
  const second = makeStore()
  const kept = first.world.files.content.get('/state/resources.pb')
  assert.ok(kept !== undefined)
  second.world.files.content.set('/state/resources.pb', kept)
  assert.equal(await second.persisted.load(second.store), 4)
  assert.deepEqual([...second.store.active.listeners.keys()], ['l'])
  assert.deepEqual([...second.store.held(typeUrl.cluster)], [['a', '7']])
})

test('a full disk is reported once and serving goes on; what waited is written when there is room', async () => {
  const { store, world, persisted } = makeStore()
  world.files.full = true
  await store.onUpdate(typeUrl.cluster, [resource('a', clusterOf('a'))], [])
  await world.clock.advance(25_000)
  assert.match(persisted.error ?? '', /ENOSPC/)
  assert.equal(world.log.lines.filter((line) => line.includes('cannot be kept')).length, 1)
  world.files.full = false
  await world.clock.advance(11_000)
  assert.equal(persisted.error, undefined)
  assert.ok(world.files.content.has('/state/resources.pb'))
})

test('a damaged file of kept configuration is ignored with a warning', async () => {
  const { store, world, persisted } = makeStore()
  world.files.content.set('/state/resources.pb', new Uint8Array([0, 0, 0, 3, 255, 255, 255]))
  assert.equal(await persisted.load(store), 0)
  assert.equal(world.log.lines.filter((line) => line.includes('unreadable')).length, 1)
})
