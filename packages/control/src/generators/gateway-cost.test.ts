// A changed rule at a gateway looks at the hosts it has and at nobody else's, however many there are; and what comes of any change is
// what a translation from nothing gives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, meshWorkloads, ofKind, planInstances, type SourceFile } from '@weft/resources'
import { pushOrder, typeUrl } from '@weft/xds'
import { proxyIdOf } from '../proxy-identity.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import { buildSnapshot, type MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { workBetween } from './build-memory.ts'
import { resourceToJson } from '../patches/resource-to-json.ts'
import { type Translation, Translator } from './translator.ts'

const gateway = `apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: gw, labels: { app: gw } }
spec: { proxy: gateway }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gw }
spec:
  selector: { app: gw }
  servers:
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: ['*'] }
    - { port: { number: 8081, name: moved, protocol: HTTP }, hosts: [moved.example], tls: { httpsRedirect: true } }
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { ports: [{ name: http, port: 80 }] }
`

function rule(name: string, hosts: string, prefix: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec:
  gateways: [gw]
  hosts: [${hosts}]
  http: [{ match: [{ uri: { prefix: ${prefix} } }], route: [{ destination: { host: shop } }] }]
`
}

function snapshotOf(rules: Readonly<Record<string, string>>, previous?: MeshSnapshot): MeshSnapshot {
  const files: SourceFile[] = Object.entries({ gateway, ...rules }).map(([name, text]) => ({ name, text }))
  const { objects, problems } = loadFiles(files)
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const planned = planInstances(meshWorkloads(objects), ofKind(objects, 'Service'))
  const instances = planned.map((one) => ({ ...one, ready: true }))
  return buildSnapshot({ objects, unenforceable: [], instances, settings: defaultMeshSettings }, previous)
}

function translationOf(translator: Translator, mesh: MeshSnapshot): Translation {
  const [gatewayInstance] = mesh.running.instances.map(({ value }) => value)
  assert.ok(gatewayInstance !== undefined)
  const id = proxyIdOf(gatewayInstance)
  return translator.translate(mesh, { id, instance: gatewayInstance, flavor: 'envoy', interception: 'explicit' })
}

function versionsOf({ table }: Translation): string[] {
  return pushOrder.flatMap((type) => Array.from(table.get(type).values(), ({ name, version }) => `${name}@${version}`))
}

/** The hosts of a RouteConfiguration, each with the prefixes of its routes. */
function hostsOf({ table }: Translation, name: string): Record<string, string[]> {
  const body = table.get(typeUrl.routeConfiguration).get(name)?.body ?? new Uint8Array()
  const { virtual_hosts: hosts = [] } = resourceToJson(typeUrl.routeConfiguration, body) as {
    readonly virtual_hosts?: { readonly name: string; readonly routes?: { readonly match: { prefix?: string } }[] }[]
  }
  return Object.fromEntries(
    hosts.map((host) => [host.name, (host.routes ?? []).map(({ match }) => match.prefix ?? '')]),
  )
}

function many(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`v${i}`, rule(`v${i}`, `h${i}.example`, '/before')] as const),
  )
}

test('a changed rule at a gateway costs the same beside 20 others and beside 1,000', () => {
  const costs = [20, 1000].map((count) => {
    const translator = new Translator()
    const rules = many(count)
    const first = snapshotOf(rules)
    translationOf(translator, first)
    const before = translator.work
    const second = snapshotOf({ ...rules, v7: rule('v7', 'h7.example', '/after') }, first)
    const after = translationOf(translator, second)
    const { objects, views, builds, encoded, encodedBytes, spliced } = workBetween(before, translator.work)
    assert.deepEqual(hostsOf(after, 'http.8080')['h7.example:8080'], ['/after'])
    assert.equal(Object.keys(hostsOf(after, 'http.8080')).length, count)
    return { objects, views, builds, encoded, encodedBytes, spliced }
  })
  assert.deepEqual(costs[0], costs[1])
  const [{ objects, builds, encoded, spliced } = { objects: 0, builds: 0, encoded: 0, spliced: 0 }] = costs
  assert.deepEqual([objects, builds, encoded, spliced], [1, 1, 1, 2])
})

test('whatever changes, a gateway has what a translation from nothing gives: shared hosts, wildcards, redirects, nothing at all', () => {
  const states: Readonly<Record<string, string>>[] = [
    {},
    { a: rule('a', 'one.example', '/a') },
    { a: rule('a', 'one.example', '/a'), b: rule('b', 'ONE.example, two.example', '/b') },
    { b: rule('b', 'one.example, two.example', '/b'), c: rule('c', '"*.example"', '/c') },
    { a: rule('a', '"*.example"', '/a'), b: rule('b', '"*.example", one.example', '/b') },
    { a: rule('a', 'moved.example', '/a'), b: rule('b', '"*.example"', '/b') },
    { b: rule('b', 'moved.example', '/b').replace('gateways: [gw]', 'gateways: [other, mesh]') },
    { a: rule('a', 'one.example', '/a').replace('gateways: [gw]', 'gateways: [default/gw, other]') },
  ]
  const translator = new Translator()
  let mesh: MeshSnapshot | undefined
  const orders = [0, 1, 2, 3, 4, 5, 6, 7, 3, 1, 5, 0, 4, 2, 7, 6, 1]
  for (const state of orders) {
    const rules = states[state] ?? {}
    mesh = snapshotOf(rules, mesh)
    const followed = translationOf(translator, mesh)
    assert.deepEqual(versionsOf(followed), versionsOf(translationOf(new Translator(), snapshotOf(rules))), `${state}`)
  }
  const at = (state: number, name: string): Record<string, string[]> =>
    hostsOf(translationOf(new Translator(), snapshotOf(states[state] ?? {})), name)
  assert.deepEqual(at(0, 'http.8080'), { 'blackhole:8080': [] })
  assert.deepEqual(at(2, 'http.8080'), { 'one.example:8080': ['/a', '/b'], 'two.example:8080': ['/b'] })
  assert.deepEqual(at(4, 'http.8080'), { '*.example:8080': ['/a', '/b'], 'one.example:8080': ['/b'] })
  assert.deepEqual(at(5, 'http.8081'), { 'moved.example:8081': ['/a', '/b'] })
  assert.deepEqual(at(6, 'http.8081'), { 'moved.example:8081': [] })
})
