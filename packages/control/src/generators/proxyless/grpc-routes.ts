// Routes as gRPC clients follow them (A28, A31, A33, A42, A44). What they would refuse the whole configuration for is changed to
// what means the same, or to a route that answers nothing; what they pass over in silence is told.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Origin } from '@weft/core'
import { compileRegex } from '@weft/engine/regex'
import type {
  HeaderMatcherSchema,
  RouteActionSchema,
  RouteSchema,
  WeightedClusterSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { GeneratorProblem } from '../generator.ts'
import { faultFilter } from '../http-connection-manager.ts'
import { blackHole } from '../static-clusters.ts'
import type { Init } from '../init.ts'
import { unavailable } from './black-hole.ts'
import { grpcHashPolicies, grpcRetryPolicy } from './grpc-policies.ts'

type RouteInit = Init<typeof RouteSchema>
type GivenRoute = MessageInitShape<typeof RouteSchema>
type GivenAction = MessageInitShape<typeof RouteActionSchema>
type HeaderMatcherInit = MessageInitShape<typeof HeaderMatcherSchema>

/** The cluster to name instead of one that is not there: clients wait for what they are told of. */
type ClusterOf = (name: string) => string

/** The routes that gRPC clients can follow, and what they cannot, in words. */
export function grpcRoutes(
  routes: readonly GivenRoute[],
  origin: Origin,
  clusterOf: ClusterOf = (name) => name,
): { readonly routes: RouteInit[]; readonly problems: readonly GeneratorProblem[] } {
  const problems: GeneratorProblem[] = []
  const kept = routes.flatMap((route) => {
    const said = new Set<string>()
    const made = grpcRoute(route, said, clusterOf)
    for (const what of said) problems.push({ origin, message: `route ${route.name ?? ''}: gRPC clients ${what}` })
    return made === undefined ? [] : [made]
  })
  return { routes: kept, problems }
}

/** One route; undefined: no call can match it. */
function grpcRoute(route: GivenRoute, said: Set<string>, clusterOf: ClusterOf): RouteInit | undefined {
  const match = grpcMatch(route.match ?? {}, said)
  if (match === undefined) return undefined
  const { name = '', metadata, action, typedPerFilterConfig = {} } = route
  const { requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove } = route
  const headers = [requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove]
  if (headers.some((list) => (list?.length ?? 0) > 0)) said.add('change no headers')
  const fault = typedPerFilterConfig[faultFilter]
  if (Object.keys(typedPerFilterConfig).some((filter) => filter !== faultFilter)) {
    said.add('have no filters but the one for faults')
  }
  const value = action?.case === 'route' ? forwarding(action.value, said, clusterOf) : undefined
  if (value === undefined) said.add('take no redirects or ready answers: the call fails as UNAVAILABLE')
  const lost = value === undefined || isLost(value.clusterSpecifier)
  return {
    name,
    match,
    ...(metadata === undefined ? {} : { metadata }),
    ...(lost
      ? { typedPerFilterConfig: { ...unavailable } }
      : fault === undefined
        ? {}
        : { typedPerFilterConfig: { [faultFilter]: fault } }),
    action: { case: 'route', value: value ?? { clusterSpecifier: { case: 'cluster', value: blackHole } } },
  }
}

function isLost(specifier: GivenAction['clusterSpecifier']): boolean {
  return specifier?.case === 'cluster' && specifier.value === blackHole
}

/** Where calls go; undefined: nowhere that gRPC knows. */
function forwarding(
  action: GivenAction,
  said: Set<string>,
  clusterOf: ClusterOf,
): Init<typeof RouteActionSchema> | undefined {
  const { clusterSpecifier } = action
  if (clusterSpecifier?.case !== 'cluster' && clusterSpecifier?.case !== 'weightedClusters') return undefined
  const { hostRewriteSpecifier, prefixRewrite = '', regexRewrite } = action
  if (hostRewriteSpecifier?.case !== undefined || prefixRewrite !== '' || regexRewrite !== undefined) {
    said.add('rewrite neither path nor authority')
  }
  if ((action.requestMirrorPolicies?.length ?? 0) > 0) said.add('send no copies')
  const { seconds = 0n, nanos = 0 } = action.timeout ?? {}
  const retryPolicy = grpcRetryPolicy(action.retryPolicy, said)
  return {
    clusterSpecifier:
      clusterSpecifier.case === 'cluster'
        ? { case: 'cluster', value: clusterOf(clusterSpecifier.value) }
        : { case: 'weightedClusters', value: { clusters: shares(clusterSpecifier.value, said, clusterOf) } },
    ...(seconds > 0n || nanos > 0 ? { maxStreamDuration: { maxStreamDuration: { seconds, nanos } } } : {}),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
    hashPolicy: grpcHashPolicies(action.hashPolicy ?? [], said),
  }
}

function shares(
  { clusters = [] }: MessageInitShape<typeof WeightedClusterSchema>,
  said: Set<string>,
  clusterOf: ClusterOf,
): NonNullable<Init<typeof WeightedClusterSchema>['clusters']> {
  return clusters.map((share) => {
    const { requestHeadersToAdd = [], requestHeadersToRemove = [], responseHeadersToAdd = [] } = share
    const headers = [
      requestHeadersToAdd,
      requestHeadersToRemove,
      responseHeadersToAdd,
      share.responseHeadersToRemove ?? [],
    ]
    if (headers.some((list) => list.length > 0)) said.add('change no headers')
    const name = clusterOf(share.name ?? '')
    return {
      name,
      weight: share.weight ?? 0,
      ...(name === blackHole ? { typedPerFilterConfig: { ...unavailable } } : {}),
    }
  })
}

/** The conditions of a route on a call; undefined: no call meets them. */
function grpcMatch(match: NonNullable<GivenRoute['match']>, said: Set<string>): RouteInit['match'] | undefined {
  if ((match.queryParameters?.length ?? 0) > 0) return undefined
  const headers: HeaderMatcherInit[] = []
  for (const matcher of match.headers ?? []) {
    const fixed = fixedHeaders[matcher.name ?? '']
    if (fixed === undefined && !(matcher.name ?? '').startsWith(':')) headers.push(matcher)
    else if (fixed === undefined) {
      said.add(`know nothing of ${matcher.name}: the route is left out`)
      return undefined
    } else if (!meets(fixed, matcher)) return undefined
  }
  const { pathSpecifier, caseSensitive, runtimeFraction } = match
  return {
    pathSpecifier: grpcPath(pathSpecifier, caseSensitive !== false),
    headers,
    ...(caseSensitive === undefined || pathSpecifier?.case === 'safeRegex' ? {} : { caseSensitive }),
    ...(runtimeFraction === undefined ? {} : { runtimeFraction }),
  }
}

/** What is the same in every call. */
const fixedHeaders: Readonly<Record<string, string>> = { ':method': 'POST' }

function meets(value: string, { headerMatchSpecifier, invertMatch = false }: HeaderMatcherInit): boolean {
  const meant = headerMatchSpecifier?.case === 'stringMatch' ? headerMatchSpecifier.value.matchPattern : undefined
  if (headerMatchSpecifier?.case === 'presentMatch') return !invertMatch
  switch (meant?.case) {
    case 'exact':
      return (value === meant.value) !== invertMatch
    case 'prefix':
      return value.startsWith(meant.value) !== invertMatch
    case 'suffix':
      return value.endsWith(meant.value) !== invertMatch
    case 'safeRegex':
      return isMatch(meant.value.regex ?? '', value) !== invertMatch
    default:
      return false
  }
}

function isMatch(regex: string, value: string): boolean {
  const compiled = compileRegex(regex)
  return compiled.ok && compiled.value.fullMatch(value)
}

/** gRPC knows no prefix that ends at a slash; as a regex it is the same. */
function grpcPath(
  path: NonNullable<RouteInit['match']>['pathSpecifier'],
  caseSensitive: boolean,
): NonNullable<NonNullable<RouteInit['match']>['pathSpecifier']> {
  if (path?.case !== 'pathSeparatedPrefix') return path?.case === undefined ? { case: 'prefix', value: '/' } : path
  const literal = path.value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return { case: 'safeRegex', value: { regex: `${caseSensitive ? '' : '(?i)'}${literal}(/.*)?` } }
}
