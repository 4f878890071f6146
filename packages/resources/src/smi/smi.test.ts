import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKind, type KindName, type SpecByKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import { parseFile } from '../parse/parse-file.ts'
import { quantity } from './quantity.ts'

function read<K extends KindName>(kind: K, text: string): MeshObject<SpecByKind[K]> {
  const { problems, objects } = parseFile({ name: 'f', text })
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
    text,
  )
  const object = objects[0]?.object
  assert.ok(object !== undefined && isKind(object, kind), text)
  return object
}

const head = (group: string, version: string, kind: string): string =>
  `apiVersion: ${group}/${version}\nkind: ${kind}\nmetadata: { name: x, namespace: shop }\n`

test('a TrafficTarget means the same in all its versions', () => {
  const destination = '{ kind: ServiceAccount, name: orders, namespace: shop, port: 8080 }'
  const sources = '[{ kind: ServiceAccount, name: web, namespace: shop }]'
  const rules = '[{ kind: HTTPRouteGroup, name: api, matches: [read] }]'
  const first = read(
    'TrafficTarget',
    `${head('access.smi-spec.io', 'v1alpha1', 'TrafficTarget')}destination: ${destination}\nsources: ${sources}\nspecs: ${rules}`,
  )
  const second = read(
    'TrafficTarget',
    `${head('access.smi-spec.io', 'v1alpha2', 'TrafficTarget')}spec: { destination: ${destination}, sources: ${sources}, rules: ${rules} }`,
  )
  const third = read(
    'TrafficTarget',
    `${head('access.smi-spec.io', 'v1alpha3', 'TrafficTarget')}spec: { destination: ${destination.replace(', port: 8080', '')}, sources: ${sources}, rules: ${rules} }`,
  )
  assert.deepEqual(first.spec, second.spec)
  const { port, ...identity } = second.spec.destination
  assert.equal(port, 8080)
  assert.deepEqual(third.spec, { ...second.spec, destination: identity })
})

test('an HTTPRouteGroup takes headers as a map and as a list of maps, beside metadata before v1alpha3', () => {
  const match = (headers: string): string =>
    `matches: [{ name: a, pathRegex: /a, methods: ['*'], headers: ${headers} }]`
  const old = read(
    'HTTPRouteGroup',
    `${head('specs.smi-spec.io', 'v1alpha2', 'HTTPRouteGroup')}${match('[{ x-a: "1" }, { x-b: "2" }]')}`,
  )
  const now = read(
    'HTTPRouteGroup',
    `${head('specs.smi-spec.io', 'v1alpha4', 'HTTPRouteGroup')}spec: { ${match('{ x-a: "1", x-b: "2" }')} }`,
  )
  assert.deepEqual(old.spec, now.spec)
  assert.deepEqual(now.spec.matches[0]?.headers, { 'x-a': '1', 'x-b': '2' })
})

test('the TCPRoute of SMI and that of the Gateway API are told apart by their group', () => {
  const smi = read(
    'SMITCPRoute',
    `${head('specs.smi-spec.io', 'v1alpha4', 'TCPRoute')}spec: { matches: { ports: [80] } }`,
  )
  assert.deepEqual(smi.spec, { ports: [80] })
  assert.equal(smi.id.kind, 'TCPRoute')
  const old = read('SMITCPRoute', head('specs.smi-spec.io', 'v1alpha3', 'TCPRoute'))
  assert.deepEqual(old.spec, { ports: [] })
  read(
    'TCPRoute',
    `${head('gateway.networking.k8s.io', 'v1', 'TCPRoute')}spec: { rules: [{ backendRefs: [{ name: a, port: 80 }] }] }`,
  )
  const { problems } = parseFile({ name: 'f', text: head('example.com', 'v1', 'TCPRoute') })
  assert.match(problems[0]?.mend ?? '', /gateway\.networking\.k8s\.io\/v1 or .* or specs\.smi-spec\.io\/v1alpha4/)
})

test('weights of a TrafficSplit of v1alpha1 are quantities', () => {
  const split = (version: string, a: string, b: string): MeshObject<SpecByKind['TrafficSplit']> =>
    read(
      'TrafficSplit',
      `${head('split.smi-spec.io', version, 'TrafficSplit')}spec: { service: app, backends: [{ service: a, weight: ${a} }, { service: b, weight: ${b} }] }`,
    )
  const weights = (object: MeshObject<SpecByKind['TrafficSplit']>): number[] =>
    object.spec.backends.map(({ weight }) => weight)
  assert.deepEqual(weights(split('v1alpha1', '900m', '0.1')), [900, 100])
  assert.deepEqual(weights(split('v1alpha4', '90', '10')), [90, 10])
  assert.deepEqual(['10', '.5', '1e2', '2k', 'x', '-1', '1 m'].map(quantity), [
    10,
    0.5,
    100,
    2000,
    undefined,
    undefined,
    undefined,
  ])
})

test('mistakes in SMI objects are refused where they are', () => {
  const cases: readonly [string, string][] = [
    [
      `${head('split.smi-spec.io', 'v1alpha4', 'TrafficSplit')}spec: { service: a, backends: [{ service: b, weight: 0.5 }] }`,
      'spec.backends[0].weight',
    ],
    [
      `${head('split.smi-spec.io', 'v1alpha4', 'TrafficSplit')}spec: { service: a, backends: [{ service: b, weight: 1 }, { service: b, weight: 1 }] }`,
      'spec.backends[1].service',
    ],
    [
      `${head('split.smi-spec.io', 'v1alpha2', 'TrafficSplit')}spec: { service: a, matches: [], backends: [{ service: b, weight: 1 }] }`,
      'spec.matches',
    ],
    [
      `${head('access.smi-spec.io', 'v1alpha3', 'TrafficTarget')}spec: { destination: { kind: ServiceAccount, name: a }, sources: [], rules: [{ kind: TCPRoute, name: a }] }`,
      'spec.sources',
    ],
    [
      `${head('access.smi-spec.io', 'v1alpha3', 'TrafficTarget')}spec: { destination: { kind: IdentityBinding, name: a }, sources: [{ kind: ServiceAccount, name: b }], rules: [{ kind: TCPRoute, name: a }] }`,
      'spec.destination.kind',
    ],
    [
      `${head('access.smi-spec.io', 'v1alpha3', 'TrafficTarget')}spec: { destination: { kind: ServiceAccount, name: a }, sources: [{ kind: ServiceAccount, name: b }], rules: [{ kind: TCPRoute, name: a }, { kind: UDPRoute, name: a }] }`,
      'spec.rules[1].kind',
    ],
    [
      `${head('specs.smi-spec.io', 'v1alpha4', 'HTTPRouteGroup')}spec: { matches: [{ name: a, pathRegex: '(' }] }`,
      'spec.matches[0].pathRegex',
    ],
    [
      `${head('specs.smi-spec.io', 'v1alpha4', 'HTTPRouteGroup')}spec: { matches: [{ name: a, headers: [x] }] }`,
      'spec.matches[0].headers[0]',
    ],
    [`${head('specs.smi-spec.io', 'v1alpha2', 'HTTPRouteGroup')}spec: { matches: [{ name: a }] }`, 'spec'],
  ]
  for (const [text, field] of cases) {
    const fields = parseFile({ name: 'f', text })
      .problems.filter(({ severity }) => severity === 'error')
      .map((each) => each.field)
    assert.ok(fields.includes(field), `${text}\n${fields.join(', ')}`)
  }
})
