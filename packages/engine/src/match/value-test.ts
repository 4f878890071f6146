// Conditions on one value: decided here, and as closures with everything known beforehand folded in.
import type { ValueTest } from '../predicate.ts'
import type { Json } from '../request-head.ts'
import { inCidr } from './cidr.ts'

/** Lower case of ASCII letters only, as Envoy's comparisons ignore case. */
function asciiLower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text
}

/** Decides a condition. `value` undefined: the attribute is absent. */
export function testValue(test: ValueTest, value: string | undefined): boolean {
  if (value === undefined) return test.is === 'absent'
  switch (test.is) {
    case 'exact':
      return test.ignoreCase ? asciiLower(value) === asciiLower(test.value) : value === test.value
    case 'prefix':
      return test.ignoreCase ? asciiLower(value).startsWith(asciiLower(test.value)) : value.startsWith(test.value)
    case 'suffix':
      return test.ignoreCase ? asciiLower(value).endsWith(asciiLower(test.value)) : value.endsWith(test.value)
    case 'contains':
      return test.ignoreCase ? asciiLower(value).includes(asciiLower(test.value)) : value.includes(test.value)
    case 'path-prefix':
      return isPathPrefix(
        test.ignoreCase ? asciiLower(test.value) : test.value,
        test.ignoreCase ? asciiLower(value) : value,
      )
    case 'regex':
      return test.regex.fullMatch(value)
    case 'present':
      return true
    case 'absent':
    case 'list':
      return false
    case 'range':
      return inRange(value, test.start, test.end)
    case 'cidr':
      return inCidr(test.cidr, value)
    case 'json':
      return test.value === value
    case 'fraction':
      return Number(value) % test.denominator < test.numerator
  }
}

/** Decides a condition on a JSON value: text as `testValue`, numbers, booleans and lists as Envoy's ValueMatcher. */
export function testJson(test: ValueTest, value: Json | undefined): boolean {
  if (value === undefined) return test.is === 'absent'
  if (test.is === 'list')
    return Array.isArray(value) && (value as readonly Json[]).some((one) => testJson(test.any, one))
  if (test.is === 'present') return true
  if (test.is === 'json') return value === test.value
  if (test.is === 'range') return typeof value === 'number' && value >= test.start && value < test.end
  return typeof value === 'string' && testValue(test, value)
}

/** The same condition as a closure. */
export function valueClosure(test: ValueTest): (value: string) => boolean {
  if ('ignoreCase' in test) {
    const wanted = test.ignoreCase ? asciiLower(test.value) : test.value
    const compare = textClosure(test.is, wanted)
    return test.ignoreCase ? (value) => compare(asciiLower(value)) : compare
  }
  if (test.is === 'regex') {
    const regex = test.regex
    return (value) => regex.fullMatch(value)
  }
  if (test.is === 'present') return () => true
  return (value) => testValue(test, value)
}

function textClosure(
  is: 'exact' | 'prefix' | 'suffix' | 'contains' | 'path-prefix',
  wanted: string,
): (value: string) => boolean {
  switch (is) {
    case 'exact':
      return (value) => value === wanted
    case 'prefix':
      return (value) => value.startsWith(wanted)
    case 'suffix':
      return (value) => value.endsWith(wanted)
    case 'contains':
      return (value) => value.includes(wanted)
    case 'path-prefix':
      return (value) => isPathPrefix(wanted, value)
  }
}

function isPathPrefix(prefix: string, path: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47)
}

/** A whole decimal integer, optionally signed, in [start, end). */
function inRange(value: string, start: number, end: number): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false
  const number = Number(value)
  return number >= start && number < end
}
