// Looks for the smallest change of a request that makes a goal true: repairs one broken condition after another and
// checks every step by evaluating the goal itself, so an answer is always right. The search is bounded; that there is no
// change at all is said only with a proof.
import { evaluate } from '../match/interpret.ts'
import { attributeReader } from '../match/attribute.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { attributeCandidates } from './attribute-candidates.ts'
import { attributePlaces, overlap, type Places, placesOf } from './goal-places.ts'
import { changeOf, overlay } from './overlay.ts'
import type { RequestChange } from './proof.ts'
import { tableauOf } from './tableau.ts'
import { changesOf } from './way-changes.ts'

const depthMax = 8
/** Enough for most; where it is not, it is asked whether any request can do. */
const fewVisits = 60
/** Where that cannot be told. */
const manyVisits = 600
/** So many changes are looked for even when there are too many ways to try fewer. */
const commonDepth = 3

/** Changes that make a goal true; `none`: it is proved that there are none; `unknown`: none was found. */
export type Solution =
  | { readonly kind: 'changes'; readonly changes: readonly RequestChange[] }
  | { readonly kind: 'none' | 'unknown' }

/** Changes that make every part of `goal` true; undefined when none was found. Fewer changes first. */
export function satisfy(goal: readonly Predicate[], subject: Subject): readonly RequestChange[] | undefined {
  const solution = solve(goal, subject)
  return solution.kind === 'changes' ? solution.changes : undefined
}

/** The same, with what is known when there are none. */
export function solve(whole: readonly Predicate[], subject: Subject): Solution {
  const parts = whole.flatMap(conjuncts)
  const goal = parts.map((part) => ({ part, places: placesOf(part) }))
  const found = deepening(goal, subject, fewVisits)
  if (found !== undefined) return { kind: 'changes', changes: found }
  const tableau = tableauOf(parts, {
    subject,
    accepts: (way) => isMet(parts, subject, changesOf(way, subject)),
    holdsWith: (way, condition) => evaluate(condition, overlay(subject, changesOf(way, subject))),
  })
  if (tableau.kind === 'none') return { kind: 'none' }
  const changes =
    tableau.kind === 'open'
      ? fewer(parts, subject, changesOf(tableau.way, subject))
      : deepening(goal, subject, manyVisits)
  return changes === undefined ? { kind: 'unknown' } : { kind: 'changes', changes }
}

function deepening(goal: Search['goal'], base: Subject, visitsMax: number): readonly RequestChange[] | undefined {
  for (let depth = 0; depth <= depthMax; depth++) {
    const search: Search = { goal, base, visits: 0, visitsMax, seen: new Set() }
    const changes = repair(search, [], depth)
    if (changes !== undefined) return changes
    if (search.visits >= visitsMax && depth >= commonDepth) return undefined
  }
  return undefined
}

/** Without those that are not needed. */
function fewer(
  parts: readonly Predicate[],
  subject: Subject,
  changes: readonly RequestChange[],
): readonly RequestChange[] {
  return changes.reduce((kept: readonly RequestChange[], change) => {
    const others = kept.filter((one) => one !== change)
    return isMet(parts, subject, others) ? others : kept
  }, changes)
}

function isMet(goal: readonly Predicate[], subject: Subject, changes: readonly RequestChange[]): boolean {
  const result = overlay(subject, changes)
  // Only a CONNECT has no path.
  if (result.head.path() === '' && !/^(CONNECT)?$/.test(result.head.method())) return false
  return goal.every((part) => evaluate(part, result))
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
  readonly goal: readonly { readonly part: Predicate; readonly places: Places }[]
  readonly base: Subject
  readonly seen: Set<string>
  readonly visitsMax: number
  visits: number
}

function repair(
  search: Search,
  changes: readonly RequestChange[],
  depth: number,
): readonly RequestChange[] | undefined {
  const key = JSON.stringify(changes)
  if (search.seen.has(key) || search.visits >= search.visitsMax) return undefined
  search.seen.add(key)
  search.visits++
  const subject = overlay(search.base, changes)
  const broken = search.goal.filter(({ part }) => !evaluate(part, subject))
  const [first] = broken
  if (first === undefined) return changes
  if (changes.length + fewest(broken, changes) > depth) return undefined
  // What one part needed another one seldom takes back: attributes that are as they were come first.
  const all = fixes(first.part, subject, true)
  const again = (change: RequestChange): boolean => changes.some((one) => isSame(one, change))
  for (const change of [...all.filter((one) => !again(one)), ...all.filter(again)]) {
    const found = repair(search, withChange(changes, change), depth)
    if (found !== undefined) return found
  }
  return undefined
}

/** Of so many changes at least there is need still: conditions that look at different places are not mended by one. */
function fewest(broken: Search['goal'], changes: readonly RequestChange[]): number {
  const touched = new Set(changes.flatMap(({ attribute, key }) => attributePlaces({ name: attribute, key })))
  let count = 0
  for (const { places } of broken) {
    if (overlap(places, touched)) continue
    for (const place of places) touched.add(place)
    count++
  }
  return count
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
