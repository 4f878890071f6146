import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFile } from '../parse/parse-file.ts'

const kinds = {
  AuthorizationPolicy: ['security.istio.io/v1', ''],
  RequestAuthentication: ['security.istio.io/v1', ''],
  Telemetry: ['telemetry.istio.io/v1', ''],
  WasmPlugin: ['extensions.istio.io/v1alpha1', '  url: file:///plugin.wasm\n'],
} as const

function errorsOf(kind: keyof typeof kinds, target: string): string[] {
  const [apiVersion, more] = kinds[kind]
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: p, namespace: shop }\nspec:\n${more}  targetRef: ${target}\n`
  return parseFile({ name: 'in.yaml', text }, 1, undefined, 'envoy')
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ field, code }) => `${field} ${code}`)
}

for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
  test(`a ${kind} is attached to a Gateway, a GatewayClass or a Service, and what else it names is refused`, () => {
    const group = 'group: gateway.networking.k8s.io'
    assert.deepEqual(errorsOf(kind, `{ ${group}, kind: Gateway, name: edge }`), [])
    assert.deepEqual(errorsOf(kind, `{ ${group}, kind: GatewayClass, name: weft, namespace: "" }`), [])
    assert.deepEqual(errorsOf(kind, '{ kind: Service, name: catalog }'), [])
    assert.deepEqual(errorsOf(kind, '{ group: "", kind: Service, name: catalog }'), [])
    const wrong: readonly (readonly [string, string])[] = [
      [`{ ${group}, kind: Service, name: catalog }`, 'spec.targetRef.group unsupported-value'],
      ['{ group: networking.istio.io, kind: ServiceEntry, name: a }', 'spec.targetRef.kind unsupported-value'],
      ['{ group: networking.istio.io, kind: Gateway, name: edge }', 'spec.targetRef.group unsupported-value'],
      ['{ kind: Gateway, name: edge }', 'spec.targetRef unsupported-value'],
      [`{ ${group}, kind: Pod, name: edge }`, 'spec.targetRef.kind unknown-value'],
      [`{ ${group}, kind: Gateway, name: edge, namespace: other }`, 'spec.targetRef.namespace unknown-value'],
      [`{ ${group}, kind: Gateway }`, 'spec.targetRef missing-field'],
    ]
    for (const [target, error] of wrong) assert.deepEqual(errorsOf(kind, target), [error], target)
  })
}
