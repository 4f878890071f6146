// Decides a predicate by walking its tree. `closure.ts` makes the same decision faster; a property test keeps them equal.
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { attributeReader, metadataValue } from './attribute.ts'
import { isJoined } from './joined-headers.ts'
import { testJson, testValue } from './value-test.ts'

/** True when the predicate holds of the subject. */
export function evaluate(predicate: Predicate, subject: Subject): boolean {
  switch (predicate.op) {
    case 'always':
      return true
    case 'never':
      return false
    case 'and':
      return predicate.all.every((one) => evaluate(one, subject))
    case 'or':
      return predicate.any.some((one) => evaluate(one, subject))
    case 'not':
      return !evaluate(predicate.not, subject)
    case 'test':
      return evaluateTest(predicate.attribute, predicate.test, predicate.missingAsEmpty === true, subject)
  }
}

/** True when the condition holds of the attribute. */
function evaluateTest(attribute: Attribute, test: ValueTest, missingAsEmpty: boolean, subject: Subject): boolean {
  if (attribute.name === 'source.principal') return principalMatches(test, subject)
  if (attribute.name === 'metadata') return testJson(test, metadataValue(subject, attribute.filter, attribute.path))
  if (attribute.name === 'random') return drawMatches(attribute.runtimeKey, test, subject)
  if (attribute.name === 'request.headers') return headerMatches(attribute.key, test, missingAsEmpty, subject)
  const value = attributeReader(attribute)(subject)
  return testValue(test, value === undefined && missingAsEmpty ? '' : value)
}

/** A header has several lines; one that passes is enough. */
function headerMatches(key: string, test: ValueTest, missingAsEmpty: boolean, { head }: Subject): boolean {
  const first = head.headerLine(key, 0)
  if (first === undefined) return testValue(test, missingAsEmpty ? '' : undefined)
  if (isJoined(key)) return testValue(test, head.header(key))
  for (let index = 0, line: string | undefined = first; line !== undefined; line = head.headerLine(key, ++index)) {
    if (testValue(test, line)) return true
  }
  return false
}

/** A certificate has several names; one that passes is enough (Envoy's AuthenticatedMatcher). */
export function principalMatches(test: ValueTest, subject: Subject): boolean {
  const names = subject.connection.peerNames
  if (test.is === 'absent') return names.length === 0
  return names.some((name) => testValue(test, name))
}

/** A runtime key, when set, is a percentage that replaces the configured fraction. */
export function drawMatches(runtimeKey: string, test: ValueTest, subject: Subject): boolean {
  if (test.is !== 'fraction') return testValue(test, String(subject.random))
  const override = runtimeKey === '' ? undefined : subject.runtime?.(runtimeKey)
  if (override !== undefined) return subject.random % 100 < override
  return subject.random % test.denominator < test.numerator
}
