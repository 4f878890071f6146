// What a rule does with a request: forward, redirect, or answer.
import {
  durationMs,
  type HttpDirectResponse,
  type HttpMatchRequest,
  type HttpRedirect,
  type HttpRetry,
  type HttpRewrite,
  type HttpRoute,
  type HttpRouteDestination,
} from '@weft/resources'
import {
  type DirectResponseActionSchema,
  type RedirectActionSchema,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RouteActionSchema,
  type RouteSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import { base64Decode } from '@bufbuild/protobuf/wire'
import { duration } from '../config-source.ts'
import { authorityFromHeaders, headerChanges } from './header-operations.ts'
import { mirrorPolicies } from './mirror-policies.ts'
import { retryPolicy } from './retry-policy.ts'
import type { Init } from '../init.ts'

type RouteInit = Init<typeof RouteSchema>
type RouteActionInit = Init<typeof RouteActionSchema>

/** Finds the cluster of a destination. */
export type ClusterOf = (destination: HttpRouteDestination['destination']) => string

/** What of a request to a destination is hashed. */
export type HashOf = (destination: HttpRouteDestination['destination']) => NonNullable<RouteActionInit['hashPolicy']>

/** The action of a rule for one of its matches, and the header changes that go with it. */
export function routeAction(
  rule: HttpRoute,
  match: HttpMatchRequest | undefined,
  port: number,
  clusterOf: ClusterOf,
  hashOf: HashOf = () => [],
): Pick<
  RouteInit,
  'action' | 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'
> {
  if (rule.redirect !== undefined) {
    return { action: { case: 'redirect', value: redirectAction(rule.redirect, port) }, ...headerChanges(rule.headers) }
  }
  if (rule.directResponse !== undefined) {
    return {
      action: { case: 'directResponse', value: directResponse(rule.directResponse) },
      ...headerChanges(rule.headers),
    }
  }
  const arms = (rule.route ?? []).filter((arm, _index, all) => arm.weight > 0 || all.length === 1)
  const single = arms.length === 1 ? arms[0] : undefined
  return {
    action: {
      case: 'route',
      value: {
        ...forwardAction(rule, match, arms, clusterOf),
        hashPolicy: arms.flatMap((arm) => hashOf(arm.destination)),
      },
    },
    ...headerChanges(single?.headers, rule.headers),
  }
}

/** A plain route to one cluster: what a Service without a VirtualService gets. */
export function defaultAction(
  cluster: string,
  hashPolicy: NonNullable<RouteActionInit['hashPolicy']>,
  retries?: HttpRetry,
): RouteActionInit {
  const policy = retryPolicy(retries)
  return {
    clusterSpecifier: { case: 'cluster', value: cluster },
    timeout: duration(0),
    ...(policy === undefined ? {} : { retryPolicy: policy }),
    hashPolicy,
  }
}

function forwardAction(
  rule: HttpRoute,
  match: HttpMatchRequest | undefined,
  arms: readonly HttpRouteDestination[],
  clusterOf: ClusterOf,
): RouteActionInit {
  const policy = retryPolicy(rule.retries)
  const [first] = arms
  const single = arms.length === 1 ? first : undefined
  const authority =
    rule.rewrite?.authority ?? authorityFromHeaders(rule.headers) ?? authorityFromHeaders(single?.headers)
  return {
    clusterSpecifier:
      arms.length > 1
        ? { case: 'weightedClusters', value: { clusters: arms.map((arm) => clusterWeight(arm, clusterOf)) } }
        : { case: 'cluster', value: first === undefined ? 'BlackHoleCluster' : clusterOf(first.destination) },
    timeout: duration(durationMs(rule.timeout) ?? 0),
    ...(policy === undefined ? {} : { retryPolicy: policy }),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: authority } }),
    ...pathRewrite(rule.rewrite, match),
    requestMirrorPolicies: mirrorPolicies(rule, clusterOf),
  }
}

function clusterWeight(
  arm: HttpRouteDestination,
  clusterOf: ClusterOf,
): NonNullable<
  Extract<NonNullable<RouteActionInit['clusterSpecifier']>, { case: 'weightedClusters' }>['value']['clusters']
>[number] {
  const authority = authorityFromHeaders(arm.headers)
  return {
    name: clusterOf(arm.destination),
    weight: arm.weight,
    ...headerChanges(arm.headers),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: authority } }),
  }
}

function pathRewrite(
  rewrite: HttpRewrite | undefined,
  match: HttpMatchRequest | undefined,
): Pick<RouteActionInit, 'prefixRewrite' | 'regexRewrite'> {
  if (rewrite?.uriRegexRewrite !== undefined) {
    const { match: pattern, rewrite: substitution } = rewrite.uriRegexRewrite
    return { regexRewrite: { pattern: { regex: pattern }, substitution } }
  }
  if (rewrite?.uri === undefined) return {}
  const prefix = match?.uri?.prefix
  if (rewrite.uri === '/' && prefix !== undefined && !prefix.endsWith('/')) {
    // `/api/books` with prefix `/api` and rewrite `/` must become `/books`, not `//books` (as Istio does it).
    const pattern = `^${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(/?)(.*)`
    return { regexRewrite: { pattern: { regex: pattern }, substitution: '/\\2' } }
  }
  return { prefixRewrite: rewrite.uri }
}

const redirectCodes: Readonly<Record<number, RedirectCode>> = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
}

function redirectAction(redirect: HttpRedirect, port: number): Init<typeof RedirectActionSchema> {
  const protocolPort = redirect.scheme === 'https' ? 443 : 80
  const portRedirect =
    redirect.port ??
    (redirect.derivePort === 'FROM_PROTOCOL_DEFAULT'
      ? protocolPort
      : redirect.derivePort === 'FROM_REQUEST_PORT'
        ? port
        : undefined)
  return {
    responseCode: redirectCodes[redirect.redirectCode] ?? RedirectCode.MOVED_PERMANENTLY,
    ...(redirect.authority === undefined ? {} : { hostRedirect: redirect.authority }),
    ...(portRedirect === undefined ? {} : { portRedirect }),
    ...pathRedirect(redirect),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: redirect.scheme } }),
  }
}

function pathRedirect({
  uri,
  prefixRewrite,
}: HttpRedirect): Pick<Init<typeof RedirectActionSchema>, 'pathRewriteSpecifier'> {
  if (uri !== undefined) return { pathRewriteSpecifier: { case: 'pathRedirect', value: uri } }
  if (prefixRewrite === undefined) return {}
  return { pathRewriteSpecifier: { case: 'prefixRewrite', value: prefixRewrite } }
}

function directResponse(response: HttpDirectResponse): Init<typeof DirectResponseActionSchema> {
  const { status, body } = response
  if (body?.string !== undefined) {
    return { status, body: { specifier: { case: 'inlineString', value: body.string } } }
  }
  if (body?.bytes !== undefined) {
    return { status, body: { specifier: { case: 'inlineBytes', value: base64Decode(body.bytes) } } }
  }
  return { status }
}
