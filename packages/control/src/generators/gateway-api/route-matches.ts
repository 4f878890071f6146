// Matches of HTTPRoutes and GRPCRoutes as Envoy's. Paths are matched by whole segments, and a regular expression must match
// the whole path.
import type { NamedMatch } from '@weft/resources'
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import type { GrpcMatch, HttpMatch } from '../../gateway-api/rules.ts'
import type { Init } from '../init.ts'

type RouteMatchInit = Init<typeof RouteMatchSchema>
type HeaderMatcherInit = Init<typeof HeaderMatcherSchema>

/** The match of an HTTPRoute. */
export function httpMatch({ path, headers, queryParams, method }: HttpMatch): RouteMatchInit {
  const byMethod = method === undefined ? [] : [header({ name: ':method', type: 'Exact', value: method })]
  return {
    pathSpecifier: pathSpecifier(path),
    headers: [...byMethod, ...firstOfEach(headers, lower).map(header)],
    queryParameters: firstOfEach(queryParams, asWritten).map(queryParameter),
  }
}

/** The match of a GRPCRoute: a method is a path of two segments. */
export function grpcMatch({ method, headers }: GrpcMatch): RouteMatchInit {
  return { pathSpecifier: methodPath(method), headers: firstOfEach(headers, lower).map(header) }
}

function pathSpecifier({ type, value }: HttpMatch['path']): NonNullable<RouteMatchInit['pathSpecifier']> {
  if (type === 'Exact') return { case: 'path', value }
  if (type === 'RegularExpression') return { case: 'safeRegex', value: { regex: value } }
  const prefix = value.replace(/\/+$/, '')
  return prefix === '' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: prefix }
}

function methodPath(method: GrpcMatch['method']): NonNullable<RouteMatchInit['pathSpecifier']> {
  const { service, method: name, type = 'Exact' } = method ?? {}
  if (service === undefined && name === undefined) return { case: 'prefix', value: '/' }
  if (type === 'RegularExpression') {
    return { case: 'safeRegex', value: { regex: `/${service ?? '[^/]+'}/${name ?? '[^/]+'}` } }
  }
  if (service === undefined) return { case: 'safeRegex', value: { regex: `/[^/]+/${literal(name ?? '')}` } }
  return name === undefined ? { case: 'prefix', value: `/${service}/` } : { case: 'path', value: `/${service}/${name}` }
}

/** Text as a regular expression that matches nothing else. */
export function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Of matches for one name the first counts. */
function firstOfEach(matches: readonly NamedMatch[] | undefined, keyOf: (name: string) => string): NamedMatch[] {
  const first = new Map<string, NamedMatch>()
  for (const match of matches ?? []) if (!first.has(keyOf(match.name))) first.set(keyOf(match.name), match)
  return [...first.values()]
}

const lower = (name: string): string => name.toLowerCase()
const asWritten = (name: string): string => name

function header({ name, type, value }: NamedMatch): HeaderMatcherInit {
  return { name: name.toLowerCase(), headerMatchSpecifier: { case: 'stringMatch', value: valueMatch(type, value) } }
}

function queryParameter({ name, type, value }: NamedMatch): Init<typeof QueryParameterMatcherSchema> {
  return { name, queryParameterMatchSpecifier: { case: 'stringMatch', value: valueMatch(type, value) } }
}

function valueMatch(type: NamedMatch['type'], value: string): Init<typeof StringMatcherSchema> {
  return type === 'Exact'
    ? { matchPattern: { case: 'exact', value } }
    : { matchPattern: { case: 'safeRegex', value: { regex: value } } }
}
