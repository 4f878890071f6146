// Whether one rule can only match where another does: what makes a later rule unreachable. Answers yes only when sure.
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import { testValue } from '../match/value-test.ts'
import { testText } from './describe.ts'

/** True when every subject that satisfies `a` satisfies `b`, as far as can be seen from their shape. */
export function implies(a: Predicate, b: Predicate): boolean {
  if (a.op === 'never' || b.op === 'always') return true
  if (b.op === 'and') return b.all.every((part) => implies(a, part))
  if (a.op === 'or') return a.any.every((part) => implies(part, b))
  if (b.op === 'or' && b.any.some((part) => implies(a, part))) return true
  if (a.op === 'and') return a.all.some((part) => implies(part, b))
  if (a.op === 'not' && b.op === 'not') return implies(b.not, a.not)
  if (a.op === 'test' && b.op === 'test') return testImplies(a, b)
  return false
}

type TestPredicate = Extract<Predicate, { op: 'test' }>

function testImplies(a: TestPredicate, b: TestPredicate): boolean {
  if (!sameAttribute(a.attribute, b.attribute)) return false
  if (a.missingAsEmpty === true && b.missingAsEmpty !== true) return false
  // Where a missing value counts as empty nothing is ever absent.
  if (a.test.is === 'absent' && b.missingAsEmpty === true) return false
  if (b.test.is === 'present') return a.test.is !== 'absent'
  if (a.test.is === 'fraction' && b.test.is === 'fraction') {
    return a.test.denominator === b.test.denominator && a.test.numerator <= b.test.numerator
  }
  return textImplies(a.test, b.test)
}

function sameAttribute(a: Attribute, b: Attribute): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** On texts: an exact value decides; a longer prefix implies a shorter one. */
function textImplies(a: ValueTest, b: ValueTest): boolean {
  if (a.is === 'exact' && !a.ignoreCase) return testValue(b, a.value)
  if (a.is === 'exact' && a.ignoreCase) return 'ignoreCase' in b && b.ignoreCase && testValue(b, a.value)
  if (a.is === 'regex' && b.is === 'regex') return a.regex.source === b.regex.source
  if (!('ignoreCase' in a) || !('ignoreCase' in b)) return a.is === b.is && testText(a) === testText(b)
  if (a.ignoreCase && !b.ignoreCase) return false
  const holds = (test: ValueTest) => testValue(test, a.value)
  if (a.is === 'prefix' || a.is === 'path-prefix') {
    if (b.is === 'path-prefix')
      return a.is === 'path-prefix' ? holds(b) : testValue(b, a.value) && a.value.length > b.value.length
    return (b.is === 'prefix' || b.is === 'contains') && holds(b)
  }
  if (a.is === 'suffix') return (b.is === 'suffix' || b.is === 'contains') && holds(b)
  return a.is === 'contains' && b.is === 'contains' && holds(b)
}
