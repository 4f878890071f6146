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

test('what was seen may stand where an expression takes anything: another condition may have asked for it', () => {
  const regex = compileRegex('.*:80(80)?')
  assert.ok(regex.ok)
  const candidates = candidateValues({ is: 'regex', regex: regex.value }, 'x.example.com', true)
  assert.ok(candidates.includes('x.example.com:80'))
})

test('a test that ignores case is tried in both cases, a dot as the dot it may be meant for', () => {
  const below = candidateValues({ is: 'path-prefix', value: '/A', ignoreCase: true }, undefined, true)
  assert.deepEqual(below, ['/A', '/A/x', '/A/X', '/a', '/a/x'])
  const regex = compileRegex('www.example.com(:\\d+)?')
  assert.ok(regex.ok)
  assert.ok(candidateValues({ is: 'regex', regex: regex.value }, undefined, true).includes('www.example.com'))
})

test('what is not to begin with a text may keep its end, and what has to end with one may be a path of its own', () => {
  const elsewhere = candidateValues({ is: 'prefix', value: '/books', ignoreCase: false }, '/books', false)
  assert.ok(elsewhere.includes('/x/books'))
  const ending = candidateValues({ is: 'suffix', value: 'books', ignoreCase: false }, '/books/', true)
  assert.ok(ending.includes('/xbooks'))
})
