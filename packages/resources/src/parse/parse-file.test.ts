import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { apiVersionsOf, definitions } from '../definitions.ts'
import { fieldPath } from '../field-path.ts'
import type { KindDefinition } from '../kind-definition.ts'
import { isKind, writtenKind } from '../kinds.ts'
import { parseFile } from './parse-file.ts'
import { maxFileBytes } from './yaml-limits.ts'

const mesh = `# head
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: catalog
  labels: { "app.kubernetes.io/name": catalog }
spec:
  hosts: [catalog]
  http:
    - name: jason
      match:
        - headers:
            x-user: { exact: jason }
      route:
        - destination: { host: catalog, subset: v2 }
    - route:
        - destination: { host: catalog, subset: v1 }
          weight: 90
        - destination: { host: catalog, subset: v2 }
          weight: 10
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Service, metadata: { name: a }, spec: { ports: [{ port: 80 }] } }
  - { apiVersion: v1, kind: Service, metadata: { name: b, namespace: shop }, spec: { ports: [{ port: 81 }] } }
---
# nothing here
---
{ "apiVersion": "weft.dev/v1alpha1", "kind": "Workload", "metadata": { "name": "w" }, "spec": { "command": ["x"] } }
`

test('documents, lists and JSON become objects with defaults, each value with its place', () => {
  const { objects, problems, whole } = parseFile({ name: 'mesh.yaml', text: mesh })
  assert.deepEqual([problems, whole], [[], true])
  assert.deepEqual(
    objects.map(({ id }) => `${id?.kind} ${id?.namespace}/${id?.name}`),
    ['VirtualService default/catalog', 'Service default/a', 'Service shop/b', 'Workload default/w'],
  )
  const routes = objects[0]?.object
  assert.ok(routes !== undefined && isKind(routes, 'VirtualService'))
  assert.deepEqual(routes.spec.gateways, ['mesh'])
  assert.deepEqual(
    routes.spec.http[0]?.route?.map(({ weight }) => weight),
    [100],
  )
  const at = (path: string): string => {
    const position = routes.positionOf(path)
    return `${position?.file}:${position?.line}:${position?.column}`
  }
  assert.equal(at(''), 'mesh.yaml:2:1')
  assert.equal(at('spec.http[1].route[1].weight'), 'mesh.yaml:20:11')
  assert.equal(at('spec.http[0].match[0].headers["x-user"].exact'), 'mesh.yaml:13:23')
  assert.equal(at('metadata.labels["app.kubernetes.io/name"]'), 'mesh.yaml:6:13')
  assert.equal(at('spec.http[0].timeout'), 'mesh.yaml:10:7', 'a field that was not written is found at what holds it')
  assert.equal(objects[2]?.object?.positionOf('spec.ports[0].port')?.line, 26)
})

test('the text kept of each document parses to the same object at the same place', () => {
  for (const { source, object } of parseFile({ name: 'mesh.yaml', text: mesh }).objects) {
    const again = parseFile({ name: source.file, text: source.text }, source.firstLine).objects
    const same = again.find(({ object: other }) => other?.hash === object?.hash)?.object
    assert.ok(same !== undefined)
    for (const path of ['', 'spec', 'metadata.name']) assert.deepEqual(same.positionOf(path), object?.positionOf(path))
  }
})

test('the hash follows the content, not the form', () => {
  const service = (text: string): string | undefined => parseFile({ name: 'f', text }).objects[0]?.object?.hash
  const block = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n  - port: 80\n'
  const json =
    '{"kind":"Service","apiVersion":"v1","spec":{"ports":[{"targetPort":80,"port":80}]},"metadata":{"name":"a","namespace":"default"}}'
  assert.equal(service(block), service(json))
  assert.notEqual(service(block), service(block.replace('80', '81')))
})

test('what Kubernetes adds to an object is ignored', () => {
  const text = `apiVersion: v1
kind: Service
metadata: { name: a, uid: x, creationTimestamp: null, managedFields: [{ manager: y }], annotations: { a/b: "1" } }
spec: { ports: [{ port: 80 }] }
status: { loadBalancer: {} }
`
  assert.deepEqual(parseFile({ name: 'f', text }).problems, [])
})

test('no text makes the parser throw, and every finding has a place in the file', () => {
  const yamlish = fc
    .array(
      fc.constantFrom(
        ...mesh.split(/(?<=[\s:{}[\],])/),
        '\t',
        '&a ',
        '*a',
        '!t ',
        '"',
        "'",
        '|',
        '>',
        '?',
        '\0',
        '---\n',
        '<<: ',
      ),
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), yamlish), (text) => {
      for (const problem of parseFile({ name: 'f', text }).problems) {
        assert.ok((problem.position?.line ?? 0) >= 1 && (problem.position?.column ?? 0) >= 1)
        assert.ok(problem.message !== '' && problem.mend !== '')
      }
    }),
    { numRuns: 300 },
  )
})

test('an IPv6 address may end in colons inside a list in brackets', () => {
  const spec = '{ hosts: [a.example], addresses: [1.2.3.4, 2001:db8::] }'
  const text = `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: { name: a }\nspec: ${spec}\n`
  const [parsed] = parseFile({ name: 'f', text }).objects
  assert.deepEqual(
    parsed?.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
})

test('no value makes validation throw, whatever stands where', () => {
  const kinds = fc.constantFrom(...Object.values(definitions))
  const words = fc.constantFrom(
    ...Object.values(definitions).flatMap(({ spec }) => fieldNames(spec)),
    '__proto__',
    'constructor',
  )
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(
        null,
        true,
        0,
        -1,
        8080,
        1.5,
        '',
        'a',
        '5s',
        '*',
        '/',
        'mesh',
        '10.0.0.1',
        'request.auth.x',
        Number.NaN,
      ),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(words, tie('tree'), { maxKeys: 6 }),
    ),
  })).tree
  fc.assert(
    fc.property(kinds, value, (definition, spec) => {
      const [apiVersion] = apiVersionsOf(definition as KindDefinition)
      const text = JSON.stringify({ apiVersion, kind: writtenKind(definition.kind), metadata: { name: 'x' }, spec })
      const { objects, problems } = parseFile({ name: 'f', text })
      assert.equal(objects.length, 1, problems[0]?.message)
      assert.equal(
        objects[0]?.object === undefined,
        problems.some(({ severity }) => severity === 'error'),
      )
      for (const { field } of problems) assert.equal(typeof fieldPath([field]), 'string')
    }),
    { numRuns: 500 },
  )
})

function fieldNames(schema: {
  readonly properties?: object
  readonly items?: object
  readonly additionalProperties?: unknown
}): string[] {
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties].filter(
    (each) => typeof each === 'object' && each !== null,
  )
  return [...Object.keys(schema.properties ?? {}), ...below.flatMap((each) => fieldNames(each as object))]
}

test('deep nesting, aliases that multiply or loop, and huge files are refused in bounded work', () => {
  const multiplied = Array.from(
    { length: 9 },
    (_, i) => `k${i + 1}: &k${i + 1} [${Array(10).fill(`*k${i}`).join(', ')}]`,
  )
  const cases: readonly [string, string][] = [
    ['['.repeat(5000), 'nested more than'],
    ['{a: '.repeat(5000), 'nested more than'],
    ['- '.repeat(5000), 'nested more than'],
    [`${'['.repeat(100)}${']'.repeat(100)}`, 'nested more than'],
    [`k0: &k0 [x, x]\n${multiplied.join('\n')}`, 'aliases expand'],
    ['a: &a { b: *a }', 'nested more than'],
    [`a: [${','.repeat(2_000_000)}]`, 'unexpected , in flow sequence'],
    [`a:\n${'\tb: c\n'.repeat(200_000)}`, 'a tab is used'],
    ['x'.repeat(maxFileBytes + 1), 'larger than 4 MiB'],
    ['x'.repeat(10 * 1024 * 1024), 'larger than 4 MiB'],
  ]
  for (const [text, message] of cases) {
    const { problems, whole } = parseFile({ name: 'f', text })
    assert.equal(whole, false)
    assert.ok(problems.length <= 20)
    assert.ok(problems[0]?.message.includes(message), problems[0]?.message)
  }
})

test('aliases within bounds mean what they point at', () => {
  const text = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec:
  hosts: [a]
  http:
    - { name: one, route: &all [{ destination: { host: a } }] }
    - { name: two, route: *all }
`
  const [parsed] = parseFile({ name: 'f', text }).objects
  assert.ok(parsed?.object !== undefined && isKind(parsed.object, 'VirtualService'))
  assert.deepEqual(parsed.object.spec.http[1]?.route, parsed.object.spec.http[0]?.route)
  assert.equal(parsed.object.positionOf('spec.http[1].route')?.line, 8)
})

test('a file that is not whole says so: broken YAML, an unknown kind, no name, nothing at all', () => {
  const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n'
  assert.equal(parseFile({ name: 'f', text: service }).whole, true)
  for (const text of [
    '',
    '# x\n',
    'a: [',
    `${service}---\nkind: Servise\n`,
    `${service}---\n${service.replace('name: a', '')}`,
  ]) {
    assert.equal(parseFile({ name: 'f', text }).whole, false, text)
  }
  const bad = parseFile({ name: 'f', text: service.replace('80', 'x') })
  assert.equal(bad.whole, true, 'an invalid object is still known to be there')
})
