// Whether a goal can hold at all: its conditions are taken apart until each way to meet it is a list of tests per attribute, and a
// way is closed when no value passes the tests of one attribute. All ways closed is a proof; an open one shows the values.
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import { isJoined } from '../match/joined-headers.ts'
import { testValue } from '../match/value-test.ts'
import { changeOf } from './overlay.ts'
import { commonText } from './common-text.ts'
import { roughLanguage, textLanguage } from './text-language.ts'
import { writableValues } from './writable-values.ts'

/** A value that an attribute may have for the goal to hold. Undefined: it is not there. */
export interface AttributeValue {
  readonly attribute: Attribute
  readonly value: string | undefined
}

/** `none`: proved. `unknown`: each attribute alone could pass, but no way was found in which all do together. */
export type Tableau =
  | { readonly kind: 'none' | 'unknown' }
  | { readonly kind: 'open'; readonly way: readonly AttributeValue[] }

const branchesMax = 1500
const waysMax = 8

/** What it is asked with. */
export interface TableauQuestion {
  /** What is true already: tried first. */
  readonly holds: (predicate: Predicate) => boolean
  /** Whether a way that is open holds as a whole. */
  readonly accepts: (way: readonly AttributeValue[]) => boolean
}

/** Takes the goal apart. */
export function tableauOf(goal: readonly Predicate[], question: TableauQuestion): Tableau {
  const search: Search = { ...question, branches: 0, open: 0, way: undefined, known: new Map(), ids: new Map() }
  branch(search, goal, new Map())
  if (search.way !== undefined) return { kind: 'open', way: search.way }
  return { kind: search.open > 0 || search.branches >= branchesMax ? 'unknown' : 'none' }
}

interface Literal {
  readonly attribute: Attribute
  readonly test: ValueTest
  readonly missingAsEmpty: boolean
  readonly wanted: boolean
  readonly id: number
}

type Literals = ReadonlyMap<string, readonly Literal[]>

interface Search extends TableauQuestion {
  way: readonly AttributeValue[] | undefined
  open: number
  branches: number
  /** What was found for tests of one attribute. */
  readonly known: Map<string, Found>
  /** Numbers of tests, by which they are known. */
  readonly ids: Map<string, number>
}

/** Values of one attribute: one, none (proved), or not known. */
type Found = { readonly kind: 'value'; readonly value: string | undefined } | { readonly kind: 'none' | 'unknown' }

function branch(search: Search, goal: readonly Predicate[], before: Literals): void {
  if (search.way !== undefined || search.branches++ >= branchesMax || search.open >= waysMax) return
  const literals = new Map(before)
  const touched = new Set<string>()
  const choices: (readonly Predicate[])[] = []
  const left = [...goal]
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    const plain = withoutNot(part)
    if (plain.op === 'never') return
    if (plain.op === 'and') left.push(...plain.all)
    else if (plain.op === 'or') choices.push(plain.any)
    else if (plain.op !== 'always') touched.add(put(search, literals, plain))
  }
  for (const key of touched) if (valueOf(search, literals.get(key)).kind === 'none') return
  const [choice, ...others] = choices.sort((a, b) => a.length - b.length)
  if (choice === undefined) return note(search, literals)
  const rest = others.map((any): Predicate => ({ op: 'or', any }))
  const ways = [...choice].sort((a, b) => Number(search.holds(b)) - Number(search.holds(a)))
  for (const way of ways) branch(search, [...rest, way], literals)
}

/** A negation goes inwards, down to the tests. */
function withoutNot(predicate: Predicate): Exclude<Predicate, { op: 'not' }> | Negated {
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

interface Negated {
  readonly op: 'not'
  readonly not: Extract<Predicate, { op: 'test' }>
}

/** The attribute it is about. */
function put(
  { ids }: Search,
  literals: Map<string, readonly Literal[]>,
  part: Extract<Predicate, { op: 'test' }> | Negated,
): string {
  const { attribute, test, missingAsEmpty = false } = part.op === 'not' ? part.not : part
  const wanted = part.op !== 'not'
  const key = JSON.stringify(attribute)
  const text = `${key} ${JSON.stringify('regex' in test ? test.regex.source : 'cidr' in test ? test.cidr.text : test)}`
  const name = `${text} ${test.is} ${missingAsEmpty} ${wanted}`
  const id = ids.get(name) ?? ids.size
  ids.set(name, id)
  const before = literals.get(key) ?? []
  if (!before.some((one) => one.id === id))
    literals.set(key, [...before, { attribute, test, missingAsEmpty, wanted, id }])
  return key
}

function note(search: Search, literals: Literals): void {
  const way = [...literals.values()].flatMap((all): AttributeValue[] => {
    const found = valueOf(search, all)
    const attribute = all[0]?.attribute
    return found.kind === 'value' && attribute !== undefined ? [{ attribute, value: found.value }] : []
  })
  search.open++
  if (search.accepts(way)) search.way = way
}

function valueOf({ known }: Search, all: readonly Literal[] = []): Found {
  const ids = all.map(({ id }) => id).sort((a, b) => a - b)
  const key = ids.join()
  const found = known.get(key) ?? findValue(all)
  known.set(key, found)
  return found
}

function findValue(all: readonly Literal[]): Found {
  const attribute = all[0]?.attribute
  if (attribute === undefined || attribute.name === 'metadata') return { kind: 'unknown' }
  if (attribute.name === 'random') return findDraw(attribute.runtimeKey, all)
  const missing = all.every(
    ({ test, missingAsEmpty, wanted }) => testValue(test, missingAsEmpty ? '' : undefined) === wanted,
  )
  const wanted = all.filter((one) => one.wanted)
  const unwanted = all.filter((one) => !one.wanted)
  // Of several lines, or names, each condition may be met by another one.
  const several =
    attribute.name === 'source.principal' || (attribute.name === 'request.headers' && !isJoined(attribute.key))
  const groups = several && wanted.length > 1 ? wanted.map((one) => [one]) : [wanted]
  const texts = groups.map((group) => findText(attribute, [...group, ...unwanted]))
  const shown = several && wanted.length > 1 ? findText(attribute, all) : texts[0]
  if (shown?.kind === 'value') return shown
  if (missing) return { kind: 'value', value: undefined }
  return { kind: texts.some(({ kind }) => kind === 'none') ? 'none' : 'unknown' }
}

function findText(attribute: Attribute, all: readonly Literal[]): Found {
  const simple = all.flatMap(({ test }) => simpleTexts(test)).find((text) => canPass(attribute, all, text))
  if (simple !== undefined) return { kind: 'value', value: simple }
  const languages = all.map(({ test, wanted }) => ({
    language: textLanguage(test) ?? (wanted ? roughLanguage(test) : undefined),
    wanted,
  }))
  const of = (what: boolean) =>
    languages.flatMap(({ language, wanted }) => (language !== undefined && wanted === what ? [language] : []))
  const { possible, written } = writableValues(attribute)
  const unwanted = of(false)
  const found = commonText({ wanted: [...of(true), ...written], unwanted })
  // What no machine reads has to be tried.
  if (found.kind === 'text' && canPass(attribute, all, found.text)) return { kind: 'value', value: found.text }
  return { kind: commonText({ wanted: [...of(true), ...possible], unwanted }).kind === 'none' ? 'none' : 'unknown' }
}

/** Draws that differ in no test are alike, so that one of each kind is enough. */
function findDraw(runtimeKey: string, all: readonly Literal[]): Found {
  const shares = all.flatMap(({ test }) => (test.is === 'fraction' ? [test] : []))
  const drawn = [0, ...shares.map(({ numerator }) => numerator)].map(String)
  const value = drawn.find((draw) => all.every(({ test, wanted }) => testValue(test, draw) === wanted))
  if (value !== undefined) return { kind: 'value', value }
  // What is set at run time replaces the share.
  const isPlain = runtimeKey === '' && shares.length === all.length
  return { kind: isPlain && new Set(shares.map(({ denominator }) => denominator)).size === 1 ? 'none' : 'unknown' }
}

/** What is tried before any machine is built. */
function simpleTexts(test: ValueTest): readonly string[] {
  return 'ignoreCase' in test ? [test.value, `${test.value}/x`, `${test.value}x`] : ['x', '/x', 'GET', 'PUT']
}

function canPass(attribute: Attribute, all: readonly Literal[], text: string): boolean {
  return changeOf(attribute, text) !== undefined && all.every(({ test, wanted }) => testValue(test, text) === wanted)
}
