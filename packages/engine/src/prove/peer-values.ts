// Who the peer is: no TLS, TLS without a certificate, or a certificate with its names.
import type { Attribute } from '../predicate.ts'
import { type CommonText } from './common-text.ts'
import { type AttributeValue, type Finding, type Found, holds, remembered, textFor } from './found-values.ts'
import type { Literal } from './literal.ts'
import { textLanguage } from './text-language.ts'
import { otherNames, workloadIds } from './writable-values.ts'
import type { Node } from '../regex/syntax.ts'

const principal: Attribute = { name: 'source.principal' }
const tls: Attribute = { name: 'connection.tls' }

/** A peer for all conditions on it. */
export function peerValues(all: readonly Literal[], finding: Finding): Found {
  const { connection } = finding.subject
  const ofNames = all.filter(({ attribute }) => attribute.name === 'source.principal')
  const rest = all.filter((literal) => !ofNames.includes(literal))
  const restPasses = (isTls: boolean, hasNames: boolean): boolean =>
    rest.every((literal) => {
      const is = literal.attribute.name === 'connection.tls' ? isTls : hasNames
      return holds(literal, is ? 'true' : undefined)
    })
  const nameless = ofNames.every((literal) => holds(literal, undefined))
  const seen = connection.peerNames
  const seenPasses = (literal: Literal): boolean =>
    seen.length === 0
      ? holds(literal, undefined)
      : seen.some((name) => holds({ ...literal, wanted: true }, name)) === literal.wanted
  if (restPasses(connection.tls, seen.length > 0) && ofNames.every(seenPasses)) return { kind: 'values', values: [] }
  let names: Names = { kind: 'none' }
  if (restPasses(true, true)) {
    names = namesFor(ofNames, finding)
    if (names.kind === 'names') return values([{ attribute: principal, value: names.id, more: names.more }])
  }
  const none = { attribute: principal, value: undefined }
  if (nameless && restPasses(true, false)) return values([none])
  if (nameless && restPasses(false, false)) return values([none, { attribute: tls, value: undefined }])
  return { kind: names.kind }
}

function values(list: readonly AttributeValue[]): Found {
  return { kind: 'values', values: list }
}

type Names =
  | { readonly kind: 'names'; readonly id: string; readonly more: readonly string[] }
  | { readonly kind: 'none' | 'unknown' }

/** One SPIFFE id, and other names for what it does not meet; what must not hold holds of none. */
function namesFor(all: readonly Literal[], finding: Finding): Names {
  const wanted = all.filter((literal) => literal.wanted)
  const unwanted = all.filter((literal) => !literal.wanted)
  const id = textOf(all, workloadIds, finding)
  if (id.kind === 'text') return { kind: 'names', id: id.text, more: [] }
  const others = new Map(wanted.map((literal) => [literal, textOf([literal, ...unwanted], otherNames, finding)]))
  const byId = wanted.filter((literal) => others.get(literal)?.kind === 'none')
  const least = textOf([...byId, ...unwanted], workloadIds, finding)
  if (least.kind !== 'text') return { kind: least.kind }
  const passed = (literal: Literal): boolean => holds(literal, least.text)
  const more = wanted.filter((literal) => !passed(literal)).map((literal) => others.get(literal))
  const texts = more.flatMap((text) => (text?.kind === 'text' ? [text.text] : []))
  return texts.length < more.length ? { kind: 'unknown' } : { kind: 'names', id: least.text, more: [...new Set(texts)] }
}

function textOf(all: readonly Literal[], possible: readonly Node[], finding: Finding): CommonText {
  const languageOf = (literal: Literal): Node | undefined =>
    remembered(finding, literal, 'text', () => textLanguage(literal.test))
  const isRight = (text: string): boolean => all.every((literal) => holds(literal, text))
  return textFor({ all, languageOf, isRight }, possible, finding.budget)
}
