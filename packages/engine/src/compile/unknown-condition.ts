// Conditions that nobody here can evaluate, and what is certain of a rule that holds some.
import type { Predicate } from '../predicate.ts'

/** Stands for a condition that is not known. */
export const unknownCondition: Predicate = { op: 'never', why: 'is not computed here' }

/** What a predicate comes to at the least and at the most. */
export interface Bounds {
  /** Holds whatever the unknown conditions turn out to be. */
  readonly certain: Predicate
  /** Holds if they turn out so. */
  readonly possible: Predicate
  /** There are none. */
  readonly isKnown: boolean
}

/** Both sides of a predicate; the predicate itself where all of it is known. */
export function bounds(predicate: Predicate): Bounds {
  if (!holdsUnknown(predicate)) return { certain: predicate, possible: predicate, isKnown: true }
  return { certain: assuming(predicate, false), possible: assuming(predicate, true), isKnown: false }
}

function holdsUnknown(predicate: Predicate): boolean {
  if (predicate.op === 'not') return holdsUnknown(predicate.not)
  if (predicate.op === 'and') return predicate.all.some(holdsUnknown)
  if (predicate.op === 'or') return predicate.any.some(holdsUnknown)
  return predicate === unknownCondition
}

/** The predicate with its unknown conditions as they favour it, or as they do not: below a `not` it is the other way round. */
function assuming(predicate: Predicate, favourable: boolean): Predicate {
  if (predicate === unknownCondition) return favourable ? { op: 'always' } : unknownCondition
  if (predicate.op === 'not') return { op: 'not', not: assuming(predicate.not, !favourable) }
  if (predicate.op === 'and') return { op: 'and', all: predicate.all.map((one) => assuming(one, favourable)) }
  if (predicate.op === 'or') return { op: 'or', any: predicate.any.map((one) => assuming(one, favourable)) }
  return predicate
}
