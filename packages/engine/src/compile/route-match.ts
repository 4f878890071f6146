// envoy.config.route.v3.RouteMatch as one predicate.
import type { MetadataMatcher, RouteMatch, ValueMatcher } from '@weft/xds/lean'
import type { PathMatch } from '../model.ts'
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import { compileFraction } from './fraction.ts'
import { compileHeaders, compileQuery } from './header-matcher.ts'
import { type Context, refuse } from './refusal.ts'
import { compileRegex, compileString } from './string-matcher.ts'

const urlPath: Attribute = { name: 'request.url_path' }
const contentType: Attribute = { name: 'request.headers', key: 'content-type' }
const isConnect: Predicate = {
  op: 'test',
  attribute: { name: 'request.method' },
  test: { is: 'exact', value: 'CONNECT', ignoreCase: false },
}
const isGrpc: Predicate = {
  op: 'or',
  any: [
    { op: 'test', attribute: contentType, test: { is: 'exact', value: 'application/grpc', ignoreCase: false } },
    { op: 'test', attribute: contentType, test: { is: 'prefix', value: 'application/grpc+', ignoreCase: false } },
  ],
}

/** The path condition, and everything together. */
export function compileRouteMatch(
  context: Context,
  at: string,
  match: RouteMatch,
): { readonly path: PathMatch; readonly predicate: Predicate } {
  const path = compilePathMatch(context, at, match)
  const all: Predicate[] = [pathPredicate(path)]
  if (match.runtimeFraction !== undefined) {
    const attribute: Attribute = { name: 'random', runtimeKey: match.runtimeFraction.runtimeKey }
    all.push({
      op: 'test',
      attribute,
      test: { is: 'fraction', ...compileFraction(match.runtimeFraction.defaultValue) },
    })
  }
  if (match.grpc !== undefined) all.push(isGrpc)
  all.push(...compileHeaders(context, `${at}.headers`, match.headers))
  all.push(...compileQuery(context, `${at}.query_parameters`, match.queryParameters))
  match.dynamicMetadata.forEach((matcher, index) => {
    all.push(compileMetadata(context, `${at}.dynamic_metadata[${index}]`, matcher))
  })
  return { path, predicate: all.length === 1 ? (all[0] as Predicate) : { op: 'and', all } }
}

function compilePathMatch(context: Context, at: string, match: RouteMatch): PathMatch {
  const caseSensitive = match.caseSensitive ?? true
  if (match.prefix !== undefined) return { kind: 'prefix', value: match.prefix, caseSensitive }
  if (match.path !== undefined) return { kind: 'path', value: match.path, caseSensitive }
  if (match.pathSeparatedPrefix !== undefined) {
    const value = match.pathSeparatedPrefix
    if (!/^[^?#]+[^?#/]$/.test(value))
      return refuse(`${at}.path_separated_prefix`, `"${value}" must have no query, fragment or trailing slash`)
    return { kind: 'path-separated-prefix', value, caseSensitive }
  }
  if (match.safeRegex !== undefined) {
    return { kind: 'regex', regex: compileRegex(context, `${at}.safe_regex`, match.safeRegex) }
  }
  if (match.connectMatcher !== undefined) return { kind: 'connect' }
  return refuse(at, 'no path condition is set')
}

function pathPredicate(path: PathMatch): Predicate {
  switch (path.kind) {
    case 'connect':
      return isConnect
    case 'regex':
      return { op: 'test', attribute: urlPath, test: { is: 'regex', regex: path.regex } }
    default: {
      const is = path.kind === 'path' ? 'exact' : path.kind === 'prefix' ? 'prefix' : 'path-prefix'
      return { op: 'test', attribute: urlPath, test: { is, value: path.value, ignoreCase: !path.caseSensitive } }
    }
  }
}

function compileMetadata(context: Context, at: string, matcher: MetadataMatcher): Predicate {
  const path = matcher.path.map((segment, index) => segment.key ?? refuse(`${at}.path[${index}]`, 'has no key'))
  const attribute: Attribute = { name: 'metadata', filter: matcher.filter, path }
  if (matcher.value === undefined) return refuse(`${at}.value`, 'is missing')
  const tests = compileValue(context, `${at}.value`, matcher.value)
  const any: Predicate[] = tests.map((test) => ({ op: 'test', attribute, test }))
  const predicate: Predicate = any.length === 1 ? (any[0] as Predicate) : { op: 'or', any }
  return matcher.invert ? { op: 'not', not: predicate } : predicate
}

/** One of the returned conditions must hold. */
function compileValue(context: Context, at: string, value: ValueMatcher): ValueTest[] {
  if (value.nullMatch !== undefined) return [{ is: 'json', value: null }]
  if (value.stringMatch !== undefined) return [compileString(context, `${at}.string_match`, value.stringMatch)]
  if (value.boolMatch !== undefined) return [{ is: 'json', value: value.boolMatch }]
  if (value.presentMatch !== undefined) return [{ is: value.presentMatch ? 'present' : 'absent' }]
  if (value.doubleMatch?.exact !== undefined) return [{ is: 'json', value: value.doubleMatch.exact }]
  if (value.doubleMatch?.range !== undefined) {
    return [{ is: 'range', start: value.doubleMatch.range.start, end: value.doubleMatch.range.end }]
  }
  if (value.listMatch?.oneOf !== undefined) {
    return compileValue(context, `${at}.list_match.one_of`, value.listMatch.oneOf).map((any) => ({ is: 'list', any }))
  }
  if (value.orMatch !== undefined) {
    return value.orMatch.valueMatchers.flatMap((one, index) => compileValue(context, `${at}.or_match[${index}]`, one))
  }
  return refuse(at, 'no match pattern is set')
}
