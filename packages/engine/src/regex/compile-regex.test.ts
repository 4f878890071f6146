// The native engine and re2js agree on what they both take; what could blow up never reaches the native engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { regexExamples } from '../prove/example-text.ts'
import { compileRegex } from './compile-regex.ts'
import { nativeFullMatch } from './native.ts'
import { parsePlain } from './syntax.ts'

const piece = fc.constantFrom(
  'a',
  'b',
  '.',
  '\\d',
  '[a-c]',
  '[^/]',
  '\\.',
  '(?:ab|c)',
  '(a|bc)',
  '^',
  '$',
  '\\w',
  '[\\d-]',
  '/',
  '[]a]',
  '\\s',
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '+?')
const pattern = fc
  .array(fc.tuple(piece, quantifier), { maxLength: 5 })
  .map((parts) => parts.map(([one, count]) => (one === '^' || one === '$' ? one : one + count)).join(''))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', '/', '-', '\n', ' ', ']'), maxLength: 8 })

test('a full match on the native engine is what re2js says', () => {
  let native = 0
  fc.assert(
    fc.property(pattern, fc.array(text, { maxLength: 6 }), (source, texts) => {
      const plain = parsePlain(source)
      const fast = plain === undefined ? undefined : nativeFullMatch(plain)
      if (fast === undefined) return
      native++
      const slow = RE2JS.compile(source)
      for (const one of texts) assert.equal(fast.test(one), slow.matches(one), `${source} on ${JSON.stringify(one)}`)
    }),
    { numRuns: 1500 },
  )
  assert.ok(native > 300, `only ${native}`)
})

test('patterns that backtrack badly are left to re2js', () => {
  for (const source of [
    '(a+)+',
    '(a|aa)*',
    '.*.*x',
    '(a|aa){1,40}',
    '(.*)(.*)',
    'a?a?a?a?a?a?a?a?a?a?aaaaaaaaaa',
    '(a*)?b*',
  ]) {
    const plain = parsePlain(source)
    assert.ok(plain === undefined || nativeFullMatch(plain) === undefined, source)
    assert.ok(compileRegex(source).ok, source)
  }
})

test('what RE2 refuses is refused', () => {
  for (const source of ['(?=a)', '(a)\\1', '(', 'a{2,1}', '[z-a]', '*a'])
    assert.equal(compileRegex(source).ok, false, source)
})

test('substitution replaces every match and fills in groups', () => {
  const compiled = compileRegex('/v(\\d+)/')
  assert.ok(compiled.ok)
  assert.equal(compiled.value.replaceAll('/v1/x/v22/y', '/\\1\\\\\\0/'), '/1\\/v1//x/22\\/v22//y')
})

test('examples of a pattern match it', () => {
  for (const source of ['/a/.*', '[^/]+', '(?i)curl/.+', 'a{2,3}|b', '/users/\\d+$', '.+']) {
    const compiled = compileRegex(source)
    assert.ok(compiled.ok)
    const examples = regexExamples(source)
    assert.ok(
      examples.some((one) => compiled.value.fullMatch(one)),
      `${source}: ${JSON.stringify(examples)}`,
    )
  }
})
