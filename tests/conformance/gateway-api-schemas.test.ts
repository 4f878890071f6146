// The Gateway API's own examples and mistakes (v1.6.1). WEFT_TEST_DATA names their directory; without it the tests are skipped.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseFile, type Problem } from '@weft/resources'
import { parse } from 'yaml'

const data = join(process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data'), 'gateway-api')
const skip = existsSync(data) ? false : `no test data in ${data}`

function errorsIn(file: string): { readonly errors: readonly Problem[]; readonly objects: number } {
  const { problems, objects } = parseFile({ name: file, text: readFileSync(join(data, file), 'utf8') })
  return { errors: problems.filter(({ severity }) => severity === 'error'), objects: objects.length }
}

test('every published example is accepted', { skip }, () => {
  let objects = 0
  for (const file of globSync('examples/**/*.yaml', { cwd: data }).sort()) {
    const found = errorsIn(file)
    assert.deepEqual(found.errors, [], file)
    objects += found.objects
  }
  assert.equal(objects, 114)
})

interface InvalidExample {
  readonly file: string
  readonly field: string
  readonly reason: string
}

test('every published mistake is refused, and the finding names the field at fault', { skip }, () => {
  const { invalid } = parse(readFileSync(join(data, 'invalid-examples.yaml'), 'utf8')) as {
    readonly invalid: readonly InvalidExample[]
  }
  assert.equal(invalid.length, 36)
  const wrong = invalid.filter(({ file, field }) => !errorsIn(file).errors.some((problem) => names(problem, field)))
  assert.deepEqual(
    wrong.map(({ file, field, reason }) => [
      file,
      field,
      reason,
      errorsIn(file).errors.map((each) => `${each.field}: ${each.message}`),
    ]),
    [],
  )
})

/** Whether a finding is about a field: at it or below it, or at what should hold it when it is missing. */
function names(problem: Problem, field: string): boolean {
  if (problem.field === field || problem.field.startsWith(`${field}.`) || problem.field.startsWith(`${field}[`))
    return true
  const last = field.slice(field.lastIndexOf('.') + 1)
  return problem.message.includes(`\`${last}\``) && field === `${problem.field}.${last}`
}
