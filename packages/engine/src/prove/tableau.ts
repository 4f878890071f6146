// Whether a goal can hold at all: what must hold is collected, what follows is drawn, and where there is a choice its ways are tried one
// after another. A way is closed when no value passes the tests of one group of attributes. All ways closed is a proof; an open one shows
// the values.
import { isJoined } from '../match/joined-headers.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { connectOrPath, looksAtWhole } from './connect-or-path.ts'
import type { AttributeValue, Finding, Found } from './found-values.ts'
import { groupValues } from './group-values.ts'
import { groupKey, groupOf, type Literal, type LiteralGroup } from './literal.ts'
import { type TestPredicate, testsOf, withoutNot } from './normal-form.ts'

/** `none`: proved. `unknown`: it was too much to look at. */
export type Tableau =
  | { readonly kind: 'none' | 'unknown' }
  | { readonly kind: 'open'; readonly way: readonly AttributeValue[] }

/** Choices that are tried. */
const branchesMax = 1500
/** Places of machines that are looked at for all values together: some hundred milliseconds. */
const placesMax = 150_000

/** What it is asked with. */
export interface TableauQuestion {
  readonly subject: Subject
  /** Whether a way that is open holds as a whole. */
  readonly accepts: (way: readonly AttributeValue[]) => boolean
  /** Whether a condition holds once the values are set. */
  readonly holdsWith: (way: readonly AttributeValue[], condition: Predicate) => boolean
}

/** Takes the goal apart. */
export function tableauOf(goal: readonly Predicate[], question: TableauQuestion): Tableau {
  const finding: Finding = { subject: question.subject, budget: { left: placesMax }, languages: new Map() }
  const tests = goal.flatMap(testsOf)
  const whole = looksAtWhole(tests)
  const split = question.subject.head.method() === '' ? undefined : connectOrPath(tests)
  const search: Search = { ...question, finding, whole, branches: 0, known: new Map(), ids: new Map() }
  return branch(search, { literals: new Map(), choices: [], left: split === undefined ? goal : [...goal, split] })
}

interface Search extends TableauQuestion {
  readonly finding: Finding
  readonly whole: boolean
  branches: number
  /** What was found for tests of one group. */
  readonly known: Map<string, Found>
  /** Numbers of tests, by which they are known. */
  readonly ids: Map<string, number>
}

interface Grouped {
  readonly group: LiteralGroup
  readonly all: readonly Literal[]
}

type Literals = ReadonlyMap<string, Grouped>

/** What a way has come to: what must hold, of which lists one must hold each, and what is to be taken apart yet. */
interface Way {
  readonly literals: Literals
  readonly choices: readonly (readonly Predicate[])[]
  readonly left: readonly Predicate[]
}

function branch(search: Search, way: Way): Tableau {
  if (search.branches++ >= branchesMax || search.finding.budget.left <= 0) return { kind: 'unknown' }
  const drawn = conclude(search, way)
  if (drawn === undefined) return { kind: 'none' }
  const { literals, choices } = drawn
  const found = [...literals.values()].map((one) => valuesOf(search, one))
  const values = found.flatMap((one) => (one.kind === 'values' ? one.values : []))
  if (search.accepts(values)) return { kind: 'open', way: values }
  const broken = choices.filter((any) => !any.some((option) => search.holdsWith(values, option)))
  const [choice] = [...(broken.length > 0 ? broken : choices)].sort((a, b) => a.length - b.length)
  // All that was asked holds by itself, and yet the whole does not: what is between the groups is not known here.
  if (choice === undefined) return { kind: 'unknown' }
  const rest = choices.filter((one) => one !== choice)
  let isProof = true
  for (const [index, option] of choice.entries()) {
    const before = choice.slice(0, index).map((not): Predicate => ({ op: 'not', not }))
    const tried = branch(search, { literals, choices: rest, left: [option, ...before] })
    if (tried.kind === 'open') return tried
    if (tried.kind === 'unknown') isProof = false
  }
  return { kind: isProof ? 'none' : 'unknown' }
}

/** Draws what follows, until nothing does any more; undefined: the way is closed. */
function conclude(search: Search, way: Way): Omit<Way, 'left'> | undefined {
  const literals = new Map(way.literals)
  let choices = way.choices
  let left = way.left
  for (;;) {
    const touched = new Set<string>()
    const added: (readonly Predicate[])[] = []
    if (!takeApart(search, { literals, touched, added }, left)) return undefined
    for (const key of touched) if (isClosed(search, literals, key)) return undefined
    const next: (readonly Predicate[])[] = []
    const must: Predicate[] = []
    for (const any of [...choices, ...added]) {
      const open = any.filter((option) => couldHold(search, literals, option))
      const [only] = open
      if (only === undefined) return undefined
      if (open.length === 1) must.push(only)
      else if (!open.some((option) => isSaid(search, literals, option))) next.push(open)
    }
    choices = next
    left = must
    if (must.length === 0) return { literals, choices }
  }
}

interface Parts {
  readonly literals: Map<string, Grouped>
  /** Groups that have a test more. */
  readonly touched: Set<string>
  readonly added: (readonly Predicate[])[]
}

/** False when a part can never hold. */
function takeApart(search: Search, { literals, touched, added }: Parts, goal: readonly Predicate[]): boolean {
  const left = [...goal]
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    const plain = withoutNot(part)
    if (plain.op === 'never') return false
    if (plain.op === 'and') left.push(...plain.all)
    else if (plain.op === 'or') added.push(options(plain.any))
    else if (plain.op !== 'always') {
      const { literal, group } = literalOf(search, plain)
      const key = groupKey(group)
      const all = literals.get(key)?.all ?? []
      if (all.some(({ id }) => id === literal.id)) continue
      literals.set(key, { group, all: [...all, literal] })
      touched.add(key)
    }
  }
  return true
}

/** Of a choice in a choice, all options. */
function options(any: readonly Predicate[]): readonly Predicate[] {
  return any.flatMap((option) => {
    const plain = withoutNot(option)
    return plain.op === 'or' ? options(plain.any) : [plain]
  })
}

function isClosed(search: Search, literals: Literals, key: string): boolean {
  const one = literals.get(key)
  return one !== undefined && valuesOf(search, one).kind === 'none'
}

/** Whether an option can still hold: false only if sure. */
function couldHold(search: Search, literals: Literals, option: Predicate): boolean {
  const plain = withoutNot(option)
  if (plain.op === 'never') return false
  if (plain.op === 'always') return true
  if (plain.op === 'and') return plain.all.every((part) => couldHold(search, literals, part))
  if (plain.op === 'or') return plain.any.some((part) => couldHold(search, literals, part))
  const { literal, group } = literalOf(search, plain)
  const all = literals.get(groupKey(group))?.all ?? []
  if (all.some(({ id }) => id === (literal.id ^ 1))) return false
  return valuesOf(search, { group, all: [...all, literal] }).kind !== 'none'
}

/** Whether an option is among what must hold. */
function isSaid(search: Search, literals: Literals, option: Predicate): boolean {
  const plain = withoutNot(option)
  if (plain.op === 'and') return plain.all.every((part) => isSaid(search, literals, part))
  if (plain.op !== 'test' && plain.op !== 'not') return plain.op === 'always'
  const { literal, group } = literalOf(search, plain)
  return literals.get(groupKey(group))?.all.some(({ id }) => id === literal.id) === true
}

function literalOf(
  { ids, whole }: Search,
  part: TestPredicate | { readonly op: 'not'; readonly not: TestPredicate },
): { readonly literal: Literal; readonly group: LiteralGroup } {
  const { attribute, test, missingAsEmpty = false } = part.op === 'not' ? part.not : part
  const text = JSON.stringify('regex' in test ? test.regex.source : 'cidr' in test ? test.cidr.text : test)
  const name = `${JSON.stringify(attribute)} ${text} ${test.is} ${missingAsEmpty}`
  const number = ids.get(name) ?? ids.size
  ids.set(name, number)
  const wanted = part.op !== 'not'
  const literal = { attribute, test, missingAsEmpty, wanted, id: number * 2 + (wanted ? 0 : 1) }
  return { literal, group: groupOf(attribute, whole, isJoined) }
}

function valuesOf({ known, finding }: Search, { group, all }: Grouped): Found {
  const ids = all.map(({ id }) => id).sort((a, b) => a - b)
  const key = `${groupKey(group)} ${ids.join()}`
  const found = known.get(key) ?? groupValues(group, all, finding)
  known.set(key, found)
  return found
}
