import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFile } from '../parse/parse-file.ts'

function findings(expression: string): string[] {
  const filter = `filter: { expression: ${JSON.stringify(expression)} }`
  const text = `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: t }\nspec: { accessLogging: [{ ${filter} }] }\n`
  const { problems } = parseFile({ name: 'in.yaml', text }, 1, undefined, 'envoy')
  return problems
    .filter(({ severity }) => severity === 'error')
    .map(({ severity, field, code }) => `${severity} ${field} ${code}`)
}

test('an expression that is no CEL is refused, however deep or long it is', () => {
  assert.deepEqual(findings("response.code >= 400 || 'x' in request.headers"), [])
  const refused = ['error spec.accessLogging[0].filter.expression bad-cel']
  assert.deepEqual(findings('response.code >='), refused)
  assert.deepEqual(findings('a b'), refused)
  assert.deepEqual(findings('('.repeat(1500)), refused)
  assert.deepEqual(findings(`${'('.repeat(1000)}1${')'.repeat(1000)}`), refused)
  assert.deepEqual(findings('a'.repeat(3000)), refused)
})
