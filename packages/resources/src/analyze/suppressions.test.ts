import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles } from '../parse/load-files.ts'
import { analyzeWritten } from './analyze.ts'
import { parseSuppression, withoutSuppressed } from './suppressions.ts'

function service(name: string, annotation = ''): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop${annotation} }\nspec: { ports: [{ port: 80 }] }\n`
}

function told(text: string, ...flags: readonly string[]): string[] {
  const { written, problems } = loadFiles([{ name: 'f', text }])
  const suppressions = flags.map((flag) => parseSuppression(flag) ?? assert.fail(flag))
  const all = [...problems, ...analyzeWritten(written)]
  return withoutSuppressed(all, written, suppressions).map(({ code, objectId }) => `${code} ${objectId?.name}`)
}

test('an annotation keeps findings of its object quiet, by code or all of them', () => {
  const two = `${service('a', ', annotations: { galley.istio.io/analyze-suppress: "IST0102, IST0118" }')}---\n${service('b')}`
  assert.deepEqual(told(two), ['IST0118 b'])
  assert.deepEqual(told(service('a', ', annotations: { galley.istio.io/analyze-suppress: "*" }')), [])
  assert.deepEqual(told(service('a', ', annotations: { galley.istio.io/analyze-suppress: IST0102 }')), ['IST0118 a'])
})

test('the command line names a code, and objects with wildcards', () => {
  const two = `${service('a')}---\n${service('b')}`
  assert.deepEqual(told(two, 'IST0118'), [])
  assert.deepEqual(told(two, 'IST0118=Service a.shop'), ['IST0118 b'])
  assert.deepEqual(told(two, 'IST0118=Service *.shop'), [])
  assert.deepEqual(told(two, '*=Service b.*'), ['IST0118 a'])
  assert.deepEqual(told(two, 'IST0118=Service a.sho'), ['IST0118 a', 'IST0118 b'], 'dots and ends are meant')
  assert.equal(parseSuppression('nonsense'), undefined)
})

test('what validation refuses is told whatever is suppressed', () => {
  const broken = service('a', ', annotations: { galley.istio.io/analyze-suppress: "*" }').replace('80', 'x')
  assert.deepEqual(told(broken, '*'), ['wrong-type a'])
})
