// Conditions of a VirtualService rule as an Envoy route match (Istio: TranslateRouteMatch).
import type { HttpMatchRequest, StringMatch } from '@weft/resources'
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import type { Init } from '../init.ts'

type RouteMatchInit = Init<typeof RouteMatchSchema>
type HeaderMatcherInit = Init<typeof HeaderMatcherSchema>

/** The match of one item; undefined item: everything. */
export function routeMatch(match: HttpMatchRequest | undefined): RouteMatchInit {
  if (match === undefined) return { pathSpecifier: { case: 'prefix', value: '/' } }
  const headers: HeaderMatcherInit[] = []
  if (match.method !== undefined) headers.push(header(':method', match.method))
  if (match.authority !== undefined) headers.push(header(':authority', match.authority))
  if (match.scheme !== undefined) headers.push(header(':scheme', match.scheme))
  for (const [name, value] of sortedEntries(match.headers)) headers.push(header(name.toLowerCase(), value))
  for (const [name, value] of sortedEntries(match.withoutHeaders))
    headers.push(withoutHeader(name.toLowerCase(), value))
  const queryParameters = sortedEntries(match.queryParams).map(([name, value]) => queryParameter(name, value))
  return {
    pathSpecifier: pathSpecifier(match.uri),
    headers,
    queryParameters,
    ...(match.ignoreUriCase === true && match.uri?.regex === undefined ? { caseSensitive: false } : {}),
  }
}

/** Whether a match takes every request of its virtual host. */
export function matchesEverything(match: HttpMatchRequest | undefined): boolean {
  if (match === undefined) return true
  const { uri } = match
  const anyPath = uri === undefined || uri.prefix === '/' || uri.regex === '.*' || isPresence(uri)
  const conditions = [match.headers, match.withoutHeaders, match.queryParams].every(
    (c) => Object.keys(c ?? {}).length === 0,
  )
  return (
    anyPath && conditions && match.method === undefined && match.authority === undefined && match.scheme === undefined
  )
}

/** Entries by key: the order in which a map was written must not show in what is sent. */
export function sortedEntries<T>(record: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(record ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A StringMatch; ignoring case is an option of Envoy's matcher. */
export function stringMatcher(match: StringMatch): Init<typeof StringMatcherSchema> {
  if (match.exact !== undefined) return { matchPattern: { case: 'exact', value: match.exact } }
  if (match.prefix !== undefined) return { matchPattern: { case: 'prefix', value: match.prefix } }
  return { matchPattern: { case: 'safeRegex', value: { regex: match.regex ?? '.*' } } }
}

function pathSpecifier(uri: StringMatch | undefined): NonNullable<RouteMatchInit['pathSpecifier']> {
  if (uri?.exact !== undefined) return { case: 'path', value: uri.exact }
  if (uri?.regex !== undefined) return { case: 'safeRegex', value: { regex: uri.regex } }
  return { case: 'prefix', value: uri?.prefix ?? '/' }
}

function isPresence(match: StringMatch): boolean {
  return match.exact === undefined && match.prefix === undefined && match.regex === undefined
}

function header(name: string, match: StringMatch): HeaderMatcherInit {
  return isPresence(match)
    ? { name, headerMatchSpecifier: { case: 'presentMatch', value: true } }
    : { name, headerMatchSpecifier: { case: 'stringMatch', value: stringMatcher(match) } }
}

/** An absent header satisfies `withoutHeaders`; Envoy needs to be told, since a missing header matches nothing otherwise. */
function withoutHeader(name: string, match: StringMatch): HeaderMatcherInit {
  const base = header(name, match)
  return isPresence(match)
    ? { ...base, invertMatch: true }
    : { ...base, invertMatch: true, treatMissingHeaderAsEmpty: true }
}

function queryParameter(name: string, match: StringMatch): Init<typeof QueryParameterMatcherSchema> {
  return isPresence(match)
    ? { name, queryParameterMatchSpecifier: { case: 'presentMatch', value: true } }
    : { name, queryParameterMatchSpecifier: { case: 'stringMatch', value: stringMatcher(match) } }
}
