// The schemas that others read say what ours say.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parseAllDocuments } from 'yaml'
import { allKinds, isWrittenAs } from '../definitions.ts'
import { kindsNamed } from '../kind-names.ts'
import { writtenKind } from '../kinds.ts'
import { parseFile } from '../parse/parse-file.ts'
import { crdOf, jsonSchemaOf } from './json-schema.ts'

const data = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data')
const root = join(import.meta.dirname, '../../../..')

const ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true, validateFormats: false })
const validators = allKinds().map((definition): readonly [typeof definition, ValidateFunction] => [
  definition,
  ajv.compile(jsonSchemaOf(definition)),
])

function documents(): {
  readonly file: string
  readonly value: { readonly apiVersion?: string; readonly kind?: string }
}[] {
  const files = [
    ...globSync(['packages/control/golden/**/in.yaml', 'examples/**/mesh/*.yaml'], { cwd: root }).map((file) =>
      join(root, file),
    ),
    ...(existsSync(data)
      ? globSync(['gateway-api/examples/**/*.yaml', 'istio-samples/**/*.yaml'], { cwd: data }).map((file) =>
          join(data, file),
        )
      : []),
  ]
  return files.sort().flatMap((file) => {
    const parsed = parseAllDocuments(readFileSync(file, 'utf8'))
    const values = Array.isArray(parsed) ? parsed.map((each) => each.toJS() as object | null) : []
    return values.filter((value) => value !== null).map((value) => ({ file, value }))
  })
}

test('the JSON Schema of a kind takes what we take in its newest version', () => {
  let seen = 0
  for (const { file, value } of documents()) {
    const [, validate] = validators.find(([definition]) => isWrittenAs(definition, value)) ?? []
    const { problems } = parseFile({ name: file, text: JSON.stringify(value) })
    const old = value.apiVersion?.endsWith('/v1alpha2') === true && value.kind?.endsWith('Route') === true
    if (validate === undefined || old || problems.some(({ severity }) => severity === 'error')) continue
    assert.ok(validate(value), `${file} ${value.kind}: ${JSON.stringify(validate.errors?.[0])}`)
    seen++
  }
  assert.ok(seen > 60, `${seen} documents`)
})

test('the JSON Schema of a kind refuses unknown fields, wrong words and misshapen names', () => {
  const route = validators.find(([{ kind }]) => kind === 'HTTPRoute')?.[1]
  const document = (spec: object): object => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'a' },
    spec,
  })
  assert.equal(route?.(document({ hostnames: ['a.example.com'] })), true)
  assert.equal(route?.(document({ hostnames: ['A'] })), false)
  assert.equal(route?.(document({ hostname: 'a' })), false)
  assert.equal(route?.(document({ rules: [{ matches: [{ method: 'get' }] }] })), false)
})

test('every kind is found by its kind, and by plural and short names as in kubectl', () => {
  for (const definition of allKinds()) {
    for (const word of [writtenKind(definition.kind), ...(definition.names ?? [])]) {
      assert.ok(kindsNamed(word).includes(definition), word)
    }
  }
  assert.deepEqual(
    kindsNamed('gtw').map(({ kind }) => kind),
    ['GatewayAPIGateway'],
  )
  assert.deepEqual(
    kindsNamed('TCPRoute').map(({ kind }) => kind),
    ['TCPRoute', 'SMITCPRoute'],
  )
  assert.deepEqual(
    kindsNamed('tcproutes.specs.smi-spec.io').map(({ kind }) => kind),
    ['SMITCPRoute'],
  )
})

test('a CRD of ours has what a structural schema needs, and nothing that it must not have', () => {
  const forbidden = ['$ref', 'propertyNames', 'const', 'description:', '"additionalProperties":false']
  const [workload] = kindsNamed('Workload')
  assert.ok(workload !== undefined)
  const text = JSON.stringify(crdOf(workload))
  for (const keyword of forbidden) assert.ok(!text.includes(keyword), keyword)
  eachNode(
    (crdOf(workload) as { spec: { versions: [{ schema: { openAPIV3Schema: object } }] } }).spec.versions[0].schema
      .openAPIV3Schema,
  )
})

/** Every node has a type or says that it has none. */
function eachNode(node: object): void {
  const { type, properties, items, additionalProperties, ...rest } = node as Readonly<Record<string, object>>
  const open = 'x-kubernetes-preserve-unknown-fields' in rest || 'x-kubernetes-int-or-string' in rest
  assert.ok(typeof type === 'string' || open, JSON.stringify(node))
  for (const field of Object.values(properties ?? {}) as object[]) eachNode(field)
  for (const below of [items, additionalProperties]) if (below !== undefined) eachNode(below)
}
