// A predicate as a composition of closures: no tree walk, no name lookup, no allocation per decision.
import type { Predicate, Rule, Test } from '../predicate.ts'
import { attributeReader, metadataValue } from './attribute.ts'
import { drawMatches, principalMatches } from './interpret.ts'
import { isJoined } from './joined-headers.ts'
import { testJson, valueClosure } from './value-test.ts'

/** A rule with its closure. */
export function makeRule(predicate: Predicate): Rule {
  return { predicate, test: closure(predicate) }
}

/** The closure that decides as `evaluate(predicate, subject)` does. */
export function closure(predicate: Predicate): Test {
  switch (predicate.op) {
    case 'always':
      return () => true
    case 'never':
      return () => false
    case 'not': {
      const inner = closure(predicate.not)
      return (s) => !inner(s)
    }
    case 'and':
      return allOf(predicate.all.map(closure))
    case 'or':
      return anyOf(predicate.any.map(closure))
    case 'test':
      return testClosure(predicate)
  }
}

function allOf(tests: readonly Test[]): Test {
  const [a, b, c] = tests
  if (a === undefined) return () => true
  if (b === undefined) return a
  if (c === undefined) return (s) => a(s) && b(s)
  return (s) => {
    for (const test of tests) if (!test(s)) return false
    return true
  }
}

function anyOf(tests: readonly Test[]): Test {
  const [a, b, c] = tests
  if (a === undefined) return () => false
  if (b === undefined) return a
  if (c === undefined) return (s) => a(s) || b(s)
  return (s) => {
    for (const test of tests) if (test(s)) return true
    return false
  }
}

function testClosure(predicate: Extract<Predicate, { op: 'test' }>): Test {
  const { attribute, test } = predicate
  if (attribute.name === 'source.principal') return (s) => principalMatches(test, s)
  if (attribute.name === 'metadata') return (s) => testJson(test, metadataValue(s, attribute.filter, attribute.path))
  if (attribute.name === 'random') return (s) => drawMatches(attribute.runtimeKey, test, s)
  const read = attributeReader(attribute)
  const missing = predicate.missingAsEmpty === true
  if (test.is === 'absent') return missing ? () => false : (s) => read(s) === undefined
  const passes = valueClosure(test)
  if (attribute.name === 'request.headers') return headerClosure(attribute.key, passes, missing)
  if (missing) return (s) => passes(read(s) ?? '')
  return (s) => {
    const value = read(s)
    return value !== undefined && passes(value)
  }
}

/** Line by line; most headers have one. */
function headerClosure(key: string, passes: (value: string) => boolean, missing: boolean): Test {
  const passesEmpty = missing && passes('')
  if (isJoined(key)) {
    return ({ head }) => {
      const value = head.header(key)
      return value === undefined ? passesEmpty : passes(value)
    }
  }
  return ({ head }) => {
    let line = head.headerLine(key, 0)
    if (line === undefined) return passesEmpty
    for (let index = 1; line !== undefined; index++) {
      if (passes(line)) return true
      line = head.headerLine(key, index)
    }
    return false
  }
}
