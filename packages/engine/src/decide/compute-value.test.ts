import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ValueExpression, ValueFunction } from '@weft/core'
import { computeValue } from './compute-value.ts'

type Plain = string | number | boolean
const constant = (value: Plain): ValueExpression => ({ constant: value })
const missing: ValueExpression = { attribute: 'request.host' }
const call = (name: ValueFunction, ...of: readonly (Plain | ValueExpression)[]): ValueExpression => ({
  call: name,
  of: of.map((each) => (typeof each === 'object' ? each : constant(each))),
})
const value = (expression: ValueExpression): string | undefined => computeValue(expression, () => undefined)

test('operators and functions give what CEL gives', () => {
  const cases: readonly (readonly [ValueExpression, string])[] = [
    [call('+', 'a', 'b'), 'ab'],
    [call('+', 1, 2), '3'],
    [call('string', 404), '404'],
    [call('int', '42'), '42'],
    [call('int', 1.9), '1'],
    [call('size', 'a\u{1F600}'), '2'],
    [call('==', 1, 1), 'true'],
    [call('!=', 'a', 'b'), 'true'],
    [call('<', 'a', 'b'), 'true'],
    [call('>=', 3, 4), 'false'],
    [call('contains', 'abc', 'b'), 'true'],
    [call('startsWith', 'abc', 'b'), 'false'],
    [call('endsWith', 'abc', 'bc'), 'true'],
    [call('!', true), 'false'],
    [call('?:', call('>=', 500, 500), '5xx', missing), '5xx'],
    [{ in: [constant('b'), constant('a'), constant('b')] }, 'true'],
    [{ attribute: 'request.headers', key: 'x', has: true }, 'false'],
  ]
  for (const [expression, expected] of cases) assert.equal(value(expression), expected, JSON.stringify(expression))
})

test('what is missing or of another type has no value, unless the rest decides alone', () => {
  for (const nothing of [
    missing,
    call('+', 'a', missing),
    call('+', 'a', 1),
    call('<', 'a', 1),
    call('int', 'x'),
    call('size', 1),
    call('!', 'true'),
    call('?:', 'true', 'a', 'b'),
    call('&&', true, missing),
    call('||', missing, false),
    call('contains', 1, 2),
  ]) {
    assert.equal(value(nothing), undefined, JSON.stringify(nothing))
  }
  assert.equal(value(call('&&', missing, false)), 'false')
  assert.equal(value(call('||', missing, true)), 'true')
})
