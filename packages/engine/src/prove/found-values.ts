// What is found for the conditions of one group, and what all ways of looking share.
import { attributeReader } from '../match/attribute.ts'
import { testValue } from '../match/value-test.ts'
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import type { Subject } from '../request-head.ts'
import { type CommonText, commonText, type ProofBudget } from './common-text.ts'
import type { Literal } from './literal.ts'

/** A value that an attribute may have for the goal to hold. Undefined: it is not there. */
export interface AttributeValue {
  readonly attribute: Attribute
  readonly value: string | undefined
  /** Further lines of a header, further names of a certificate. */
  readonly more?: readonly string[]
}

/** `none`: proved. */
export type Found =
  | { readonly kind: 'values'; readonly values: readonly AttributeValue[] }
  | { readonly kind: 'none' | 'unknown' }

/** With what values are looked for. */
export interface Finding {
  readonly subject: Subject
  readonly budget: ProofBudget
  /** Of tests and what they are asked of, so that each becomes a machine once. */
  readonly languages: Map<string, Node | undefined>
}

/** Just this value. */
export function found(attribute: Attribute, value: string | undefined, more: readonly string[] = []): Found {
  return { kind: 'values', values: [{ attribute, value, ...(more.length === 0 ? {} : { more }) }] }
}

/** The value as it is. */
export function seenOf(attribute: Attribute, { subject }: Finding): string | undefined {
  return attributeReader(attribute)(subject)
}

/** Whether a literal holds of a value; a missing one may count as empty. */
export function holds({ test, missingAsEmpty, wanted }: Literal, value: string | undefined): boolean {
  return testValue(test, value === undefined && missingAsEmpty ? '' : value) === wanted
}

/** Whether all do. */
export function pass(all: readonly Literal[], value: string | undefined): boolean {
  return all.every((literal) => holds(literal, value))
}

/** False of a connection that carries bytes: nothing of a request is there. */
export function isRequest({ subject }: Finding): boolean {
  return subject.head.method() !== ''
}

/** The first of the values of which all hold; that there is none is known when the list has one of every kind. */
export function firstPassing(
  attribute: Attribute,
  all: readonly Literal[],
  values: readonly (string | undefined)[],
  isComplete: boolean,
): Found {
  const index = values.findIndex((value) => pass(all, value))
  if (index >= 0) return found(attribute, values[index])
  return { kind: isComplete ? 'none' : 'unknown' }
}

/** Literals and the languages that they ask for; undefined: no plain one. */
export interface Asked {
  readonly all: readonly Literal[]
  readonly languageOf: (literal: Literal) => Node | undefined
  /** Whether a text is right for all: what no machine reads has to be tried. */
  readonly isRight: (text: string) => boolean
}

/** A text for all of them: of the first of the languages that has one; the last has every possible text. */
export function textFor(
  { all, languageOf, isRight }: Asked,
  possible: readonly Node[],
  budget: ProofBudget,
): CommonText {
  const nodes = all.map((literal) => ({ node: languageOf(literal), wanted: literal.wanted }))
  const of = (what: boolean): readonly Node[] =>
    nodes.flatMap(({ node, wanted }) => (node !== undefined && wanted === what ? [node] : []))
  const unwanted = of(false)
  let last: CommonText = { kind: 'unknown' }
  for (const language of possible) {
    last = commonText({ wanted: [...of(true), language], unwanted }, budget)
    if (last.kind === 'text' && isRight(last.text)) return last
  }
  return { kind: last.kind === 'none' ? 'none' : 'unknown' }
}

/** The language of a test, under a name of its own for each way it is asked. */
export function remembered(
  { languages }: Finding,
  { id }: Literal,
  how: string,
  make: () => Node | undefined,
): Node | undefined {
  const key = `${how} ${id >> 1}`
  if (!languages.has(key)) languages.set(key, make())
  return languages.get(key)
}
