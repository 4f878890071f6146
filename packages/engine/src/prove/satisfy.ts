// Looks for the smallest change of a request that makes a goal true: repairs one broken condition after another and
// checks every step by evaluating the goal itself, so an answer is always right. Bounded: no answer means none was found.
import { evaluate } from '../match/interpret.ts'
import { attributeReader } from '../match/attribute.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { attributeCandidates } from './attribute-candidates.ts'
import { changeOf, overlay } from './overlay.ts'
import type { RequestChange } from './proof.ts'

const depthMax = 8
const visitsMax = 600
/** So many changes are looked for even when there are too many ways to try fewer. */
const commonDepth = 3

/** Changes that make every part of `goal` true; undefined when none was found. Fewer changes first. */
export function satisfy(whole: readonly Predicate[], subject: Subject): readonly RequestChange[] | undefined {
  const goal = whole.flatMap(conjuncts)
  for (let depth = 0; depth <= depthMax; depth++) {
    const search = { goal, base: subject, visits: 0, seen: new Set<string>() }
    const found = repair(search, [], depth)
    if (found !== undefined) return found
    if (search.visits >= visitsMax && depth >= commonDepth) return undefined
  }
  return undefined
}

/** The conditions that must all hold, one by one: repairing one at a time keeps the search narrow. */
function conjuncts(predicate: Predicate): readonly Predicate[] {
  if (predicate.op === 'and') return predicate.all.flatMap(conjuncts)
  if (predicate.op !== 'not') return [predicate]
  const inner = predicate.not
  if (inner.op === 'not') return conjuncts(inner.not)
  if (inner.op === 'or') return inner.any.flatMap((not) => conjuncts({ op: 'not', not }))
  return [predicate]
}

interface Search {
  readonly goal: readonly Predicate[]
  readonly base: Subject
  readonly seen: Set<string>
  visits: number
}

function repair(
  search: Search,
  changes: readonly RequestChange[],
  depth: number,
): readonly RequestChange[] | undefined {
  const key = JSON.stringify(changes)
  if (search.seen.has(key) || search.visits >= visitsMax) return undefined
  search.seen.add(key)
  search.visits++
  const subject = overlay(search.base, changes)
  const broken = search.goal.find((part) => !evaluate(part, subject))
  if (broken === undefined) return changes
  if (changes.length >= depth) return undefined
  // What one part needed another one seldom takes back: attributes that are as they were come first.
  const all = fixes(broken, subject, true)
  const again = (change: RequestChange): boolean => changes.some((one) => isSame(one, change))
  for (const change of [...all.filter((one) => !again(one)), ...all.filter(again)]) {
    const found = repair(search, withChange(changes, change), depth)
    if (found !== undefined) return found
  }
  return undefined
}

/** Replaces an earlier change of the same attribute. */
function withChange(changes: readonly RequestChange[], change: RequestChange): readonly RequestChange[] {
  const path = (one: RequestChange) =>
    change.attribute === 'request.path' && /^request\.(url_path|query)/.test(one.attribute)
  return [...changes.filter((one) => !isSame(one, change) && !path(one)), change]
}

function isSame(one: RequestChange, other: RequestChange): boolean {
  return one.attribute === other.attribute && one.key === other.key
}

/** Single changes that may bring the predicate nearer to `wanted`. */
function fixes(predicate: Predicate, subject: Subject, wanted: boolean): readonly RequestChange[] {
  if (evaluate(predicate, subject) === wanted) return []
  switch (predicate.op) {
    case 'not':
      return fixes(predicate.not, subject, !wanted)
    case 'and':
      return predicate.all.flatMap((one) => fixes(one, subject, wanted))
    case 'or':
      return predicate.any.flatMap((one) => fixes(one, subject, wanted))
    case 'test': {
      const { attribute, test } = predicate
      const seen = attributeReader(attribute)(subject)
      return attributeCandidates(attribute, test, seen, wanted)
        .map((value) => changeOf(attribute, value))
        .filter((change) => change !== undefined)
        .filter((change) => evaluate(predicate, overlay(subject, [change])) === wanted)
    }
    default:
      return []
  }
}
