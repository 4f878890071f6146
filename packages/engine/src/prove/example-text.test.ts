import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRegex } from '../regex/compile-regex.ts'
import { candidateValues } from './example-text.ts'

test('an expression that ignores case is tried in capitals too, one that does not is not', () => {
  const candidates = (source: string): readonly (string | undefined)[] => {
    const regex = compileRegex(source)
    assert.ok(regex.ok)
    return candidateValues({ is: 'regex', regex: regex.value }, undefined, true)
  }
  assert.deepEqual(candidates('(?i)/books/'), ['/books/', '/BOOKS/'])
  assert.deepEqual(candidates('/books/'), ['/books/'])
})
