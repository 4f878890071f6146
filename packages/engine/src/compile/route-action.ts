// What a route does: forward, redirect, or answer itself.
import type * as lean from '@weft/xds/lean'
import type {
  DirectResponse,
  HashPolicy,
  HostRewrite,
  MirrorPolicy,
  RedirectAction,
  RetryPolicy,
  RouteAction,
  WeightedCluster,
} from '../model.ts'
import { compileFilterOverrides } from './filter-override.ts'
import { compileHeaderRules } from './header-rules.ts'
import { compileInternalRedirects } from './internal-redirects.ts'
import { compileMirrors } from './mirrors.ts'
import { type Context, refuse } from './refusal.ts'
import { compileRecipes } from './rate-limit.ts'
import { compileRetryPolicy } from './retry-policy.ts'
import { compileSubstitution } from './string-matcher.ts'

const notFoundStatus: Readonly<Record<string, number>> = {
  SERVICE_UNAVAILABLE: 503,
  NOT_FOUND: 404,
  INTERNAL_SERVER_ERROR: 500,
}
const redirectStatus: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
}
const utf8 = new TextEncoder()

/** What a route takes from its virtual host where it says nothing itself. */
export interface Inherited {
  readonly retryPolicy: RetryPolicy | undefined
  readonly mirrors: readonly MirrorPolicy[]
  readonly hedges: boolean
}

/** Forwarding. */
export function compileRouteAction(
  context: Context,
  at: string,
  action: lean.RouteAction,
  inherited: Inherited,
): RouteAction {
  const retryPolicy =
    action.retryPolicy === undefined
      ? inherited.retryPolicy
      : compileRetryPolicy(context, `${at}.retry_policy`, action.retryPolicy)
  return {
    kind: 'route',
    cluster: compileClusterSpecifier(context, at, action),
    clusterNotFoundStatus: notFoundStatus[action.clusterNotFoundResponseCode] ?? 503,
    pathRewrite: compilePathRewrite(context, at, action),
    hostRewrite: compileHostRewrite(context, at, action),
    appendXForwardedHost: action.appendXForwardedHost,
    // A limit of the stream takes the place of the limit of the answer.
    timeoutMs: action.maxStreamDuration === undefined ? (action.timeout ?? 15_000) : 0,
    idleTimeoutMs: action.idleTimeout,
    maxStreamDurationMs: action.maxStreamDuration?.maxStreamDuration,
    grpcTimeout: compileGrpcTimeout(action.maxStreamDuration),
    grpcRequestTimeout:
      action.maxGrpcTimeout === undefined || action.maxStreamDuration !== undefined
        ? undefined
        : { mostMs: action.maxGrpcTimeout, offsetMs: action.grpcTimeoutOffset ?? 0 },
    retryPolicy,
    hedges: action.hedgePolicy?.hedgeOnPerTryTimeout ?? inherited.hedges,
    internalRedirects: compileInternalRedirects(
      context,
      `${at}.internal_redirect_policy`,
      action.internalRedirectPolicy,
    ),
    priority: action.priority === 'HIGH' ? 'high' : 'default',
    hashPolicy: action.hashPolicy.flatMap((policy, index) =>
      compileHash(context, `${at}.hash_policy[${index}]`, policy),
    ),
    mirrors: compileMirrors(`${at}.request_mirror_policies`, action.requestMirrorPolicies, inherited.mirrors),
    rateLimits: compileRecipes(context, `${at}.rate_limits`, action.rateLimits),
    upgrades: new Map(
      action.upgradeConfigs.map((upgrade) => [
        upgrade.upgradeType.toLowerCase(),
        { enabled: upgrade.enabled ?? true, terminateConnect: upgrade.connectConfig !== undefined },
      ]),
    ),
  }
}

function compileGrpcTimeout(limits: lean.RouteAction_MaxStreamDuration | undefined): RouteAction['grpcTimeout'] {
  const mostMs = limits?.grpcTimeoutHeaderMax
  return mostMs === undefined ? undefined : { mostMs, offsetMs: limits?.grpcTimeoutHeaderOffset ?? 0 }
}

function compileClusterSpecifier(context: Context, at: string, action: lean.RouteAction): RouteAction['cluster'] {
  if (action.cluster !== undefined) {
    return action.cluster === '' ? refuse(`${at}.cluster`, 'is empty') : { kind: 'name', name: action.cluster }
  }
  if (action.clusterHeader !== undefined) return { kind: 'header', header: action.clusterHeader.toLowerCase() }
  const weighted = action.weightedClusters
  if (weighted === undefined) return refuse(at, 'names no cluster')
  const where = `${at}.weighted_clusters`
  const clusters = weighted.clusters.map((leg, index) => compileLeg(context, `${where}.clusters[${index}]`, leg))
  const totalWeight = clusters.reduce((sum, leg) => sum + leg.weight, 0)
  if (totalWeight === 0) return refuse(where, 'the sum of the weights must be greater than 0')
  if (totalWeight > 0xffff_ffff) return refuse(where, 'the sum of the weights must fit 32 bits')
  return { kind: 'weighted', clusters, totalWeight, randomHeader: weighted.headerName?.toLowerCase() || undefined }
}

function compileLeg(context: Context, at: string, leg: lean.WeightedCluster_ClusterWeight): WeightedCluster {
  if (leg.name === '' && leg.clusterHeader === '') return refuse(at, 'neither name nor cluster_header is set')
  if (leg.name !== '' && leg.clusterHeader !== '') return refuse(at, 'only one of name and cluster_header may be set')
  return {
    name: leg.name,
    clusterHeader: leg.clusterHeader === '' ? undefined : leg.clusterHeader.toLowerCase(),
    weight: leg.weight ?? 0,
    headers: compileHeaderRules(at, leg),
    filterOverrides: compileFilterOverrides(context, `${at}.typed_per_filter_config`, leg.typedPerFilterConfig),
    hostRewrite: leg.hostRewriteLiteral === undefined ? undefined : { kind: 'literal', value: leg.hostRewriteLiteral },
  }
}

function compilePathRewrite(context: Context, at: string, action: lean.RouteAction): RouteAction['pathRewrite'] {
  if (action.prefixRewrite !== '' && action.regexRewrite !== undefined) {
    return refuse(`${at}.regex_rewrite`, 'prefix_rewrite is set as well')
  }
  if (action.prefixRewrite !== '') return { kind: 'prefix', value: action.prefixRewrite }
  if (action.regexRewrite === undefined) return undefined
  return { kind: 'regex', ...compileSubstitution(context, `${at}.regex_rewrite`, action.regexRewrite) }
}

function compileHostRewrite(context: Context, at: string, action: lean.RouteAction): HostRewrite | undefined {
  if (action.hostRewriteLiteral !== undefined) return { kind: 'literal', value: action.hostRewriteLiteral }
  if (action.hostRewriteHeader !== undefined) return { kind: 'header', header: action.hostRewriteHeader.toLowerCase() }
  if (action.autoHostRewrite === true) return { kind: 'endpoint' }
  if (action.hostRewritePathRegex === undefined) return undefined
  const where = `${at}.host_rewrite_path_regex`
  return { kind: 'path-regex', ...compileSubstitution(context, where, action.hostRewritePathRegex) }
}

/** Nothing: a kind of policy that is not read, which says so by its name. */
function compileHash(context: Context, at: string, policy: lean.RouteAction_HashPolicy): readonly HashPolicy[] {
  const { terminal, header, cookie, queryParameter, connectionProperties } = policy
  if (header !== undefined) {
    if (header.headerName === '') return refuse(`${at}.header.header_name`, 'is empty')
    const { regexRewrite: rewrite } = header
    const compiled =
      rewrite === undefined ? undefined : compileSubstitution(context, `${at}.header.regex_rewrite`, rewrite)
    return [{ kind: 'header', name: header.headerName.toLowerCase(), rewrite: compiled, terminal }]
  }
  if (cookie !== undefined) {
    if (cookie.name === '') return refuse(`${at}.cookie.name`, 'is empty')
    const { name, ttl, path, attributes } = cookie
    return [
      { kind: 'cookie', name, terminal, ...(ttl === undefined ? {} : { made: { ttlMs: ttl, path, attributes } }) },
    ]
  }
  if (queryParameter !== undefined) return [{ kind: 'query', name: queryParameter.name, terminal }]
  // Without `source_ip` it hashes nothing, as in Envoy; a filter's state is listed as unread.
  return connectionProperties?.sourceIp === true ? [{ kind: 'source-ip', terminal }] : []
}

/** A redirect. */
export function compileRedirect(context: Context, at: string, action: lean.RedirectAction): RedirectAction {
  return {
    kind: 'redirect',
    status: redirectStatus[action.responseCode] ?? 301,
    scheme: action.schemeRedirect || undefined,
    httpsRedirect: action.httpsRedirect === true,
    host: action.hostRedirect || undefined,
    port: action.portRedirect || undefined,
    path: redirectPath(context, at, action),
    stripQuery: action.stripQuery,
  }
}

function redirectPath(context: Context, at: string, action: lean.RedirectAction): RedirectAction['path'] {
  if (action.pathRedirect !== undefined) {
    return action.pathRedirect === '' ? undefined : { kind: 'full', value: action.pathRedirect }
  }
  if (action.prefixRewrite !== undefined) return { kind: 'prefix', value: action.prefixRewrite }
  if (action.regexRewrite === undefined) return undefined
  return { kind: 'regex', ...compileSubstitution(context, `${at}.regex_rewrite`, action.regexRewrite) }
}

/** A fixed answer. Bodies come inline; `limit` is max_direct_response_body_size_bytes. */
export function compileDirect(at: string, action: lean.DirectResponseAction, limit: number): DirectResponse {
  if (action.status < 200 || action.status > 599) return refuse(`${at}.status`, `${action.status} is not in 200..599`)
  const body = inlineData(`${at}.body`, action.body)
  if (body.length > limit) return refuse(`${at}.body`, `${body.length} bytes are more than the ${limit} allowed`)
  return { kind: 'direct', status: action.status, body }
}

function inlineData(at: string, source: lean.DataSource | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array()
  if (source.inlineBytes !== undefined) return source.inlineBytes.slice()
  if (source.inlineString !== undefined) return utf8.encode(source.inlineString)
  return refuse(at, 'must be inline: files and environment variables are not read')
}
