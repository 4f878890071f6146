// Istio's own valid, invalid and sample files. WEFT_TEST_DATA names their directory; without it the tests are skipped.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { definitionsOf } from '../definitions.ts'
import { parseFile } from './parse-file.ts'

const data = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data')
const skip = existsSync(data) ? false : `no test data in ${data}`

/** Findings that refuse by name what is not enforced, as opposed to calling it a mistake. */
const refusals = ['unsupported-field', 'unsupported-value', 'unsupported-kind']

/** What Weft's own proxy does not enforce; Envoy does. */
const refusedOnWeft = [
  'authz-valid.yaml full',
  'reqauth-valid.yaml full',
  'telemetry-valid.yaml tag-upsert',
  'wasm-valid.yaml full',
]

for (const dataPlane of ['envoy', 'weft'] as const) {
  test(`Istio documents are valid or refused as marked where ${dataPlane} is the data plane`, { skip }, () =>
    judge(dataPlane),
  )
}

function judge(dataPlane: 'envoy' | 'weft'): void {
  const seen = { valid: 0, invalid: 0 }
  const refused: string[] = []
  for (const file of globSync('istio-crds/*.yaml', { cwd: data }).sort()) {
    const whole = readFileSync(join(data, file), 'utf8')
    const documents = parseAllDocuments(whole)
    for (const document of Array.isArray(documents) ? documents : []) {
      const value = document.toJS() as {
        readonly _err?: string
        readonly kind: string
        readonly metadata?: { readonly name: string }
      } | null
      if (value === null) continue
      const { _err: fault, ...object } = value
      assert.ok(definitionsOf(object.kind).length > 0, object.kind)
      const text = whole.slice(document.range[0], document.range[2]).replace(/^_err:.*$/m, '')
      const { problems } = parseFile({ name: file, text }, 1, undefined, dataPlane)
      const errors = problems.filter(({ severity }) => severity === 'error')
      if (fault !== undefined) {
        seen.invalid++
        const mistakes = errors.filter(({ code }) => !refusals.includes(code))
        assert.ok(mistakes.length > 0, `${file}: ${object.metadata?.name}: ${fault}`)
      } else if (errors.length === 0) seen.valid++
      else {
        refused.push(`${basename(file)} ${object.metadata?.name}`)
        assert.deepEqual(
          errors.filter(({ code }) => !refusals.includes(code)),
          [],
          file,
        )
      }
    }
  }
  assert.deepEqual(refused, dataPlane === 'envoy' ? [] : refusedOnWeft)
  assert.deepEqual(seen, { valid: 35 - refused.length, invalid: 77 })
}

for (const dataPlane of ['envoy', 'weft'] as const) {
  test(`every file of Istio's samples applies where ${dataPlane} is the data plane`, { skip }, () => {
    const files = globSync('istio-samples/**/*.yaml', { cwd: data }).sort()
    assert.equal(files.length, 56)
    const refused = files.flatMap((name) => {
      const { problems } = parseFile({ name, text: readFileSync(join(data, name), 'utf8') }, 1, undefined, dataPlane)
      return problems
        .filter(({ severity }) => severity === 'error')
        .map(({ field, code }) => `${name}: ${field}: ${code}`)
    })
    assert.deepEqual(refused, [])
  })
}
