// Predicates with their negations at the tests.
import type { Predicate } from '../predicate.ts'

/** One test. */
export type TestPredicate = Extract<Predicate, { op: 'test' }>

/** What is no negation, but of one test. */
export type Plain = Exclude<Predicate, { op: 'not' }> | { readonly op: 'not'; readonly not: TestPredicate }

/** A negation goes one step inwards. */
export function withoutNot(predicate: Predicate): Plain {
  if (predicate.op !== 'not') return predicate
  const { not } = predicate
  const negate = (one: Predicate): Predicate => ({ op: 'not', not: one })
  switch (not.op) {
    case 'always':
      return { op: 'never', why: 'always' }
    case 'never':
      return { op: 'always' }
    case 'and':
      return { op: 'or', any: not.all.map(negate) }
    case 'or':
      return { op: 'and', all: not.any.map(negate) }
    case 'not':
      return withoutNot(not.not)
    case 'test':
      return { op: 'not', not }
  }
}

/** Every test of a predicate. */
export function testsOf(predicate: Predicate): readonly TestPredicate[] {
  switch (predicate.op) {
    case 'and':
      return predicate.all.flatMap(testsOf)
    case 'or':
      return predicate.any.flatMap(testsOf)
    case 'not':
      return testsOf(predicate.not)
    case 'test':
      return [predicate]
    default:
      return []
  }
}
