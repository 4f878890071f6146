// Values with which all conditions of one group hold: the plainest that there are, or the certainty that there are none.
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import type { CommonText } from './common-text.ts'
import {
  type Finding,
  type Found,
  firstPassing,
  found,
  isRequest,
  pass,
  remembered,
  seenOf,
  textFor,
} from './found-values.ts'
import { hostValue } from './host-values.ts'
import type { Literal, LiteralGroup } from './literal.ts'
import { addressesNear, drawnValue, isOfAddress, isOfNumber, portsNear, rangesOf } from './listed-values.ts'
import { pathValue } from './path-values.ts'
import { peerValues } from './peer-values.ts'
import { textLanguage } from './text-language.ts'
import { writableValues } from './writable-values.ts'

/** Looks for them. */
export function groupValues(group: LiteralGroup, all: readonly Literal[], finding: Finding): Found {
  switch (group.kind) {
    case 'text':
      return textValue(group.attribute, all, finding)
    case 'lines':
      return lineValues(group.attribute, all, finding)
    case 'path':
      return pathValue(all, finding)
    case 'host':
      return hostValue(all, finding)
    case 'peer':
      return peerValues(all, finding)
    case 'address':
    case 'number': {
      const { attribute } = group
      const listed = group.kind === 'address' ? addressesNear(rangesOf(all)) : portsNear(all)
      const complete = all.every(({ test }) => (group.kind === 'address' ? isOfAddress(test) : isOfNumber(test)))
      return firstPassing(attribute, all, [seenOf(attribute, finding), ...listed], complete)
    }
    case 'fixed':
      return firstPassing(group.attribute, all, [seenOf(group.attribute, finding)], true)
    case 'draw':
      return drawnValue(all, finding)
    case 'unread':
      return { kind: 'unknown' }
  }
}

const neverAbsent = new Set<Attribute['name']>(['request.method', 'request.scheme', 'connection.requested_server_name'])

function textValue(attribute: Attribute, all: readonly Literal[], finding: Finding): Found {
  const ofRequest = attribute.name.startsWith('request.')
  if (ofRequest && !isRequest(finding)) return firstPassing(attribute, all, [undefined], true)
  const seen = seenOf(attribute, finding)
  if (pass(all, seen)) return found(attribute, seen)
  const text = textOf(all, writableValues(attribute), finding)
  if (text.kind === 'text') return found(attribute, text.text)
  const mayMiss = !neverAbsent.has(attribute.name)
  return mayMiss && pass(all, undefined) ? found(attribute, undefined) : { kind: text.kind }
}

function textOf(all: readonly Literal[], possible: readonly Node[], finding: Finding): CommonText {
  const languageOf = (literal: Literal): Node | undefined =>
    remembered(finding, literal, 'text', () => textLanguage(literal.test))
  return textFor({ all, languageOf, isRight: (text) => pass(all, text) }, possible, finding.budget)
}

/** Each line may meet another condition; what must not hold holds of none. */
function lineValues(attribute: Attribute, all: readonly Literal[], finding: Finding): Found {
  if (!isRequest(finding)) return firstPassing(attribute, all, [undefined], true)
  const { head } = finding.subject
  const several = attribute.name === 'request.headers' && head.headerLine(attribute.key, 1) !== undefined
  const seen = seenOf(attribute, finding)
  if (!several && pass(all, seen)) return found(attribute, seen)
  const texts = linesFor(attribute, all, finding)
  if (texts.kind === 'lines') return found(attribute, texts.lines[0], texts.lines.slice(1))
  return pass(all, undefined) ? found(attribute, undefined) : { kind: texts.kind }
}

type Lines = { readonly kind: 'lines'; readonly lines: readonly string[] } | { readonly kind: 'none' | 'unknown' }

/** One line of which all hold; else one for each that is wanted. */
function linesFor(attribute: Attribute, all: readonly Literal[], finding: Finding): Lines {
  const possible = writableValues(attribute)
  const whole = textOf(all, possible, finding)
  if (whole.kind === 'text') return { kind: 'lines', lines: [whole.text] }
  const wanted = all.filter((literal) => literal.wanted)
  if (wanted.length < 2) return { kind: whole.kind }
  const unwanted = all.filter((literal) => !literal.wanted)
  const texts = wanted.map((literal) => textOf([literal, ...unwanted], possible, finding))
  if (texts.some(({ kind }) => kind === 'none')) return { kind: 'none' }
  const lines = texts.flatMap((text) => (text.kind === 'text' ? [text.text] : []))
  return lines.length < texts.length ? { kind: 'unknown' } : { kind: 'lines', lines: [...new Set(lines)] }
}
