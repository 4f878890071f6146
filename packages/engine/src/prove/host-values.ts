// The authority, with and without its port.
import { withoutPort } from '../match/authority.ts'
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import type { CommonText } from './common-text.ts'
import { type Finding, type Found, firstPassing, found, holds, isRequest, remembered, textFor } from './found-values.ts'
import type { Literal } from './literal.ts'
import { withoutLetters } from './path-language.ts'
import { inOrder, plainLanguage, textLanguage } from './text-language.ts'
import { bracketedHosts, namedHosts, writableValues } from './writable-values.ts'

const port = plainLanguage('(:[0-9]*)?')

/** An authority for all conditions on it and on its name. */
export function hostValue(all: readonly Literal[], finding: Finding): Found {
  const attribute: Attribute = { name: 'request.host' }
  if (!isRequest(finding)) return firstPassing(attribute, all, [undefined], true)
  const isRight = (authority: string): boolean =>
    all.every((literal) =>
      holds(literal, literal.attribute.name === 'request.host' ? authority : withoutPort(authority)),
    )
  const seen = finding.subject.head.authority()
  if (isRight(seen)) return found(attribute, seen)
  const ofName = all.filter(({ attribute: { name } }) => name === 'request.host_name')
  const asText = (literal: Literal): Node | undefined =>
    remembered(finding, literal, 'text', () => textLanguage(literal.test))
  const languageOf = (literal: Literal): Node | undefined =>
    ofName.includes(literal) ? remembered(finding, literal, 'host', () => named(literal)) : asText(literal)
  const possible = ofName.length === 0 ? writableValues(attribute) : namedHosts
  const text = textFor({ all, languageOf, isRight }, possible, finding.budget)
  if (text.kind === 'text') return found(attribute, text.text)
  if (text.kind === 'unknown' || ofName.length === 0) return { kind: text.kind }
  // Colons inside brackets begin no port: such authorities are asked about by themselves, those with a port attribute by attribute.
  const over = (some: readonly Literal[], at: number): CommonText =>
    textFor({ all: some, languageOf: asText, isRight: () => true }, bracketedHosts.slice(at, at + 1), finding.budget)
  const address = over(all, 0)
  if (address.kind === 'text') return found(attribute, address.text)
  const withPort = [
    over(ofName, 0),
    over(
      all.filter((literal) => !ofName.includes(literal)),
      1,
    ),
  ]
  const none = address.kind === 'none' && withPort.some(({ kind }) => kind === 'none')
  return { kind: none ? 'none' : 'unknown' }
}

/** Authorities whose name is of the language, but for addresses in brackets. */
function named({ test }: Literal): Node | undefined {
  const language = textLanguage(test)
  const name = language === undefined ? undefined : withoutLetters(language, ':')
  return name === undefined || port === undefined ? undefined : inOrder(name, port)
}
