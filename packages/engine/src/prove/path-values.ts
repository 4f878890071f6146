// Path and query as one text, where conditions look at both.
import { queryParameter } from '../match/attribute.ts'
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import {
  type Finding,
  type Found,
  firstPassing,
  found,
  holds,
  isRequest,
  pass,
  remembered,
  seenOf,
  textFor,
} from './found-values.ts'
import type { Literal } from './literal.ts'
import {
  pathsWithoutParameter,
  pathsWithoutQuery,
  pathsWithParameter,
  pathsWithPath,
  pathsWithQuery,
} from './path-language.ts'
import { textLanguage } from './text-language.ts'
import { testValue } from '../match/value-test.ts'
import { writableValues } from './writable-values.ts'

/** A whole path for all conditions on it and on its parts; undefined for none, as a CONNECT has. */
export function pathValue(all: readonly Literal[], finding: Finding): Found {
  const attribute: Attribute = { name: 'request.path' }
  if (!isRequest(finding)) return firstPassing(attribute, all, [undefined], true)
  const isRight = (path: string): boolean => all.every((literal) => holds(literal, partOf(path, literal.attribute)))
  const seen = seenOf(attribute, finding)
  if (seen === undefined ? pass(all, undefined) : isRight(seen)) return found(attribute, seen)
  const languageOf = (literal: Literal): Node | undefined =>
    remembered(finding, literal, 'path', () => pathLanguage(literal))
  const text = textFor({ all, languageOf, isRight }, writableValues(attribute), finding.budget)
  if (text.kind === 'text') return found(attribute, text.text)
  return pass(all, undefined) ? found(attribute, undefined) : { kind: text.kind }
}

/** What an attribute is when this is the whole path. */
function partOf(path: string, attribute: Attribute): string | undefined {
  const mark = path.indexOf('?')
  const query = mark < 0 ? undefined : path.slice(mark + 1)
  switch (attribute.name) {
    case 'request.url_path':
      return mark < 0 ? path : path.slice(0, mark)
    case 'request.query':
      return query
    case 'request.query_params':
      return queryParameter(query, attribute.key)
    default:
      return path
  }
}

/** The whole paths of which the test holds. */
function pathLanguage({ attribute, test, missingAsEmpty }: Literal): Node | undefined {
  const language = textLanguage(test)
  if (language === undefined) return undefined
  const missing = testValue(test, missingAsEmpty ? '' : undefined)
  switch (attribute.name) {
    case 'request.path':
      return language
    case 'request.url_path':
      return pathsWithPath(language)
    case 'request.query':
      return orElse(pathsWithQuery(language), missing, () => pathsWithoutQuery)
    case 'request.query_params': {
      const named = pathsWithParameter(attribute.key, language, testValue(test, ''))
      return orElse(named, missing, () => pathsWithoutParameter(attribute.key))
    }
    default:
      return undefined
  }
}

function orElse(language: Node | undefined, missing: boolean, other: () => Node): Node | undefined {
  return language === undefined || !missing ? language : { kind: 'either', options: [language, other()] }
}
