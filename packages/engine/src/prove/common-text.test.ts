import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testValue } from '../match/value-test.ts'
import type { ValueTest } from '../predicate.ts'
import { compileRegex } from '../regex/compile-regex.ts'
import type { Node } from '../regex/syntax.ts'
import { commonText } from './common-text.ts'
import { letterMachine } from './letter-machine.ts'
import { textLanguage } from './text-language.ts'

const regex = (source: string): ValueTest => {
  const compiled = compileRegex(source)
  if (!compiled.ok) throw new Error(compiled.error)
  return { is: 'regex', regex: compiled.value }
}
const text = (is: 'exact' | 'prefix' | 'suffix' | 'contains' | 'path-prefix', value: string, ignoreCase = false) =>
  ({ is, value, ignoreCase }) satisfies ValueTest

const tests: readonly ValueTest[] = [
  text('exact', 'ab'),
  text('exact', 'Ab', true),
  text('prefix', 'a'),
  text('prefix', 'A', true),
  text('suffix', 'b'),
  text('contains', '/a'),
  text('contains', 'B', true),
  text('path-prefix', '/a'),
  { is: 'present' },
  { is: 'absent' },
  ...[
    'a*b',
    '^ab$',
    '(^a|b)+',
    'a{2,3}',
    '[^a]+',
    '.*',
    '(?i)aB',
    '(?i)[^b]*',
    '(a|)b?',
    '/a(/.*)?',
    'a^b',
    '$a',
    '\\d',
  ].map(regex),
]
const texts = ['', 'a', 'b', 'ab', 'AB', 'aB', 'aab', 'aa', 'aaaa', '/a', '/a/b', '/ab', 'x\ny', '1', 'ba', 'bab']

test('what is read letter by letter passes exactly what the condition passes', () => {
  for (const one of tests) {
    const language = textLanguage(one)
    assert.ok(language !== undefined)
    for (const seen of texts) {
      const only = textLanguage(text('exact', seen))
      assert.ok(only !== undefined)
      const { kind } = commonText({ wanted: [language, only], unwanted: [] })
      assert.equal(kind === 'text', testValue(one, seen), `${JSON.stringify(one)} on ${JSON.stringify(seen)}`)
    }
  }
})

test('for any two conditions a text is found that passes one and fails the other, or none of many does', () => {
  for (const a of tests) {
    for (const b of tests) {
      const [wanted, unwanted] = [textLanguage(a), textLanguage(b)]
      assert.ok(wanted !== undefined && unwanted !== undefined)
      const found = commonText({ wanted: [wanted], unwanted: [unwanted] })
      const fits = (seen: string) => testValue(a, seen) && !testValue(b, seen)
      const about = JSON.stringify([a, b, found])
      assert.ok(found.kind === 'text' ? fits(found.text) : !texts.some(fits), about)
    }
  }
})

test('the shortest text is found', () => {
  const wanted = [regex('/[a-z]{2,}(/[0-9]+)*'), text('contains', 'z/')].flatMap((one) => textLanguage(one) ?? [])
  const found = commonText({ wanted, unwanted: [] })
  assert.equal(found.kind === 'text' ? found.text.length : found.kind, 5)
})

test('what has too many states is not known', () => {
  const many = textLanguage(regex('(a|b)*a(a|b){14}'))
  const end = textLanguage(regex('[ab]*c'))
  assert.ok(many !== undefined && end !== undefined)
  assert.equal(commonText({ wanted: [many, end], unwanted: [] }).kind, 'unknown')
  const huge = textLanguage(regex('(a{1,900}){1,1}b{1,900}c{1,900}'))
  assert.ok(huge !== undefined)
  assert.equal(commonText({ wanted: [huge], unwanted: [] }).kind, 'unknown')
})

test('numbers of a range are read digit by digit', () => {
  const bounds = [-1200, -100, -99, -7, -1, 0, 1, 9, 10, 58, 99, 100, 101, 999, 1000, 1234]
  const shown = [...bounds, 5, 50, 57, 59, 500, 1100, 1233, -5, -50, -1199].flatMap((n) => [
    String(n),
    `+${n}`,
    n < 0 ? `-00${-n}` : `00${n}`,
  ])
  for (const start of bounds) {
    for (const end of bounds) {
      const range: ValueTest = { is: 'range', start, end }
      const language = textLanguage(range)
      assert.ok(language !== undefined)
      for (const seen of [...shown, '', '-', '+', '-0', '1.0'])
        assert.equal(reads(language, seen), testValue(range, seen), `${seen} in [${start}, ${end})`)
    }
  }
})

function reads(language: Node, text: string): boolean {
  const machine = letterMachine(language)
  assert.ok(machine !== undefined)
  let place = machine.start
  for (const letter of text) place = machine.next(place, letter.charCodeAt(0))
  return machine.passes(place)
}
