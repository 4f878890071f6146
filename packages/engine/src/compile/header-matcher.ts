// envoy.config.route.v3.HeaderMatcher and QueryParameterMatcher.
import type { HeaderMatcher, QueryParameterMatcher } from '@weft/xds/lean'
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import { type Context, refuse } from './refusal.ts'
import { compileRegex, compileString } from './string-matcher.ts'

const pseudo = new Map<string, Attribute>([
  [':path', { name: 'request.path' }],
  [':method', { name: 'request.method' }],
  [':authority', { name: 'request.host' }],
  ['host', { name: 'request.host' }],
  [':scheme', { name: 'request.scheme' }],
])

/** The attribute a header name reads; pseudo headers and `host` have their own. */
function headerAttribute(name: string): Attribute {
  const key = name.toLowerCase()
  return pseudo.get(key) ?? { name: 'request.headers', key }
}

/** All matchers must hold. */
export function compileHeaders(context: Context, at: string, matchers: readonly HeaderMatcher[]): Predicate[] {
  return matchers.map((matcher, index) => compileHeader(context, `${at}[${index}]`, matcher))
}

/**
 * One matcher. An absent header fails every condition, inverted or not, except `present_match`; with
 * treat_missing_header_as_empty it is compared as ''.
 */
export function compileHeader(context: Context, at: string, matcher: HeaderMatcher): Predicate {
  if (matcher.name === '') return refuse(`${at}.name`, 'is empty')
  const attribute = headerAttribute(matcher.name)
  const missing = matcher.treatMissingHeaderAsEmpty
  const condition = headerCondition(context, at, matcher)
  if (condition === undefined) return compilePresence(attribute, matcher)
  const test: Predicate = missing
    ? { op: 'test', attribute, test: condition, missingAsEmpty: true }
    : { op: 'test', attribute, test: condition }
  if (!matcher.invertMatch) return test
  if (missing) return { op: 'not', not: test }
  return {
    op: 'and',
    all: [
      { op: 'test', attribute, test: { is: 'present' } },
      { op: 'not', not: test },
    ],
  }
}

/** No condition at all means present_match: true. */
function compilePresence(attribute: Attribute, matcher: HeaderMatcher): Predicate {
  const wanted = (matcher.presentMatch ?? true) !== matcher.invertMatch
  if (matcher.treatMissingHeaderAsEmpty) {
    return wanted ? { op: 'always' } : { op: 'never', why: 'a missing header counts as present' }
  }
  return { op: 'test', attribute, test: { is: wanted ? 'present' : 'absent' } }
}

function headerCondition(context: Context, at: string, matcher: HeaderMatcher): ValueTest | undefined {
  const ignoreCase = false
  if (matcher.stringMatch !== undefined) return compileString(context, `${at}.string_match`, matcher.stringMatch)
  if (matcher.exactMatch !== undefined) return { is: 'exact', value: matcher.exactMatch, ignoreCase }
  if (matcher.prefixMatch !== undefined) return { is: 'prefix', value: matcher.prefixMatch, ignoreCase }
  if (matcher.suffixMatch !== undefined) return { is: 'suffix', value: matcher.suffixMatch, ignoreCase }
  if (matcher.containsMatch !== undefined) return { is: 'contains', value: matcher.containsMatch, ignoreCase }
  if (matcher.safeRegexMatch !== undefined) {
    return { is: 'regex', regex: compileRegex(context, `${at}.safe_regex_match`, matcher.safeRegexMatch) }
  }
  if (matcher.rangeMatch !== undefined) {
    return { is: 'range', start: matcher.rangeMatch.start, end: matcher.rangeMatch.end }
  }
  return undefined
}

/** All parameters must hold; only the first value of a repeated parameter counts, as in Envoy. */
export function compileQuery(context: Context, at: string, matchers: readonly QueryParameterMatcher[]): Predicate[] {
  return matchers.map((matcher, index) => {
    const attribute: Attribute = { name: 'request.query_params', key: matcher.name }
    if (matcher.stringMatch !== undefined) {
      return {
        op: 'test',
        attribute,
        test: compileString(context, `${at}[${index}].string_match`, matcher.stringMatch),
      }
    }
    return { op: 'test', attribute, test: { is: matcher.presentMatch === false ? 'absent' : 'present' } }
  })
}
