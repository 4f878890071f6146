// What a rule does with a request: send it to its backends, send the client elsewhere, or answer with an error.
import type { Any } from '@bufbuild/protobuf/wkt'
import {
  durationMs,
  type HttpFilter,
  type HttpRetry,
  type RequestMirror,
  type SessionPersistence,
  type WeightedBackendRef,
} from '@weft/resources'
import {
  type RetryPolicySchema,
  type RouteActionSchema,
  RouteAction_ClusterNotFoundResponseCode as NotFoundCode,
  type RouteAction_RequestMirrorPolicySchema,
  type RouteSchema,
  type WeightedClusterSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import { FractionalPercent_DenominatorType as Denominator } from '@weft/xds/es/envoy/type/v3/percent'
import { filterPolicies, unresolvedExtension, withFilters } from '../../gateway-api/filter-policies.ts'
import { unsupportedFilter } from '../../gateway-api/unsupported-filters.ts'
import { commonPolicies, holdingPolicies, type PolicyTarget, serviceWay } from '../../gateway-api/attached-policies.ts'
import { authorizerAmong } from '../../gateway-api/authorizers.ts'
import { effectivePolicy } from '../../gateway-api/policies.ts'
import { resolveBackend, type Target } from '../../gateway-api/backends.ts'
import type { RouteRefs } from '../../gateway-api/gateway-refs.ts'
import type { Route } from '../../gateway-api/objects.ts'
import type { HttpMatch, HttpRule } from '../../gateway-api/rules.ts'
import { type RateLimit, rateLimitActions, rateLimitsAmong, rateLimitsOn } from '../../policies/rate-limits.ts'
import { duration } from '../config-source.ts'
import type { Init } from '../init.ts'
import { retryPolicy } from '../routes/retry-policy.ts'
import { withPolicies } from '../routes/sending-policies.ts'
import { clusterOfTarget, invalidBackend, type VariantRefs } from './clusters-of-backends.ts'
import { corsOverride, sessionOverride } from './filter-overrides.ts'
import { authorizerOverride } from './external-auth.ts'
import { authoritySet, headerModifiers } from './header-modifiers.ts'
import { type Entry, redirectAction, rewritePath } from './path-changes.ts'
import { routeRetry } from './route-retry.ts'

type RouteInit = Init<typeof RouteSchema>
type RouteActionInit = Init<typeof RouteActionSchema>
/** What a route does with its requests. */
type Forwarded = Pick<
  RouteInit,
  | 'action'
  | 'typedPerFilterConfig'
  | 'requestHeadersToAdd'
  | 'requestHeadersToRemove'
  | 'responseHeadersToAdd'
  | 'responseHeadersToRemove'
>
type Weighted = NonNullable<Init<typeof WeightedClusterSchema>['clusters']>[number]

/** What routes are compiled with. */
export interface ForwardContext {
  readonly refs: RouteRefs & VariantRefs
  readonly entry: Entry
  /** What cannot be enforced by a proxy is answered with an error. */
  readonly flavor: 'weft' | 'envoy'
  readonly at: 'gateway' | 'mesh'
  /** What requests pass before they come to a route, nearest first: policies may be attached to it. */
  readonly way: readonly PolicyTarget[]
  /** Retries where a rule says none, if the mesh does. */
  readonly retries: HttpRetry | undefined
}

/** The part of a rule that HTTPRoute and GRPCRoute have in common, with the filters that only one of them has. */
export type ForwardRule = Pick<HttpRule, 'name' | 'timeouts' | 'retry' | 'sessionPersistence'> & {
  readonly filters?: readonly HttpFilter[]
  readonly backendRefs?: readonly (WeightedBackendRef & { readonly filters?: readonly HttpFilter[] })[]
}

/** Action and header changes of a rule for one of its matches. */
export function forward(
  route: Route,
  rule: ForwardRule,
  match: Pick<HttpMatch, 'path'> | undefined,
  context: ForwardContext,
): Forwarded {
  const filters = rule.filters ?? []
  const guard = guardOf(route, rule, context)
  if (guard === 'closed') return { action: errorAnswer(route) }
  const answer = { match, guard, entry: context.entry }
  const redirected = redirectAmong(filters, filters, answer)
  if (redirected !== undefined) return redirected
  const arms = armsOf(route, rule, context)
  if (!arms.some(({ valid, weight }) => valid && weight > 0)) return { action: errorAnswer(route) }
  const [only] = arms
  const single = arms.length === 1 ? only : undefined
  // A backend that is alone has its filters on the route: all of them work there.
  const all = single === undefined ? filters : [...filters, ...single.filters]
  const redirectedThere = redirectAmong(single?.filters ?? [], all, answer)
  if (redirectedThere !== undefined) return redirectedThere
  const cors = all.find((one) => one.cors !== undefined)?.cors
  return {
    action: {
      case: 'route',
      value: {
        ...sending(route, rule, routeAction(rule, match, { arms, all, route }, context), { arms, context }),
        rateLimits: rateLimitActions(limitsOf(route, rule, context)),
      },
    },
    typedPerFilterConfig: {
      ...guard,
      ...corsOverride(cors),
      ...sessionOverride(rule.sessionPersistence ?? single?.session),
    },
    ...headerModifiers(all),
  }
}

interface Answer {
  readonly match: Pick<HttpMatch, 'path'> | undefined
  readonly guard: Record<string, Any>
  readonly entry: Entry
}

/** The answer that a redirect among some filters is, with the header changes of all that a request passes. */
function redirectAmong(
  some: readonly HttpFilter[],
  all: readonly HttpFilter[],
  { match, guard, entry }: Answer,
): Forwarded | undefined {
  const redirect = some.find(({ requestRedirect }) => requestRedirect !== undefined)?.requestRedirect
  if (redirect === undefined) return undefined
  const value = redirectAction(redirect, match, entry)
  return { action: { case: 'redirect', value }, typedPerFilterConfig: guard, ...headerModifiers(all) }
}

/** What counts the requests of a rule: its filters, and what is attached. Sidecars count what comes in, not what is sent. */
function limitsOf(route: Route, rule: ForwardRule, context: ForwardContext): RateLimit[] {
  if (context.at === 'mesh') return []
  const { attached } = context.refs
  const named = rateLimitsAmong(filterPolicies(route, rule, attached))
  return [...new Set([...named, ...rateLimitsOn(attached, ownWay(route, rule, context))])]
}

/** Who is asked first for every request of a rule; `closed`: nobody may pass. */
function guardOf(
  route: Route,
  rule: ForwardRule,
  { refs, flavor, at }: ForwardContext,
): Record<string, Any> | 'closed' {
  if (unsupportedFilter(rule, at) !== undefined) return 'closed'
  if (unresolvedExtension(route, [rule], refs.attached) !== undefined) return 'closed'
  const backends = rule.backendRefs ?? []
  const alone = backends.length === 1 ? backends[0]?.filters : undefined
  const asked = [authorizerAmong(rule.filters), authorizerAmong(alone)].flatMap((auth) => auth ?? [])
  const anywhere = asked.length > 0 || backends.some(({ filters }) => authorizerAmong(filters) !== undefined)
  if (anywhere && flavor === 'weft') return 'closed'
  const overrides = asked.map((auth) => authorizerOverride(route, auth, refs))
  return overrides.reduce(
    (all: Record<string, Any> | 'closed', one) =>
      all === 'closed' || one === 'unreachable' ? 'closed' : { ...all, ...one },
    {},
  )
}

interface Arm {
  readonly valid: boolean
  readonly cluster: string
  readonly weight: number
  readonly filters: readonly HttpFilter[]
  /** Who is asked before the backend gets anything, where it is not the only one. */
  readonly guard: Record<string, Any>
  /** The backend, for policies attached to it. */
  readonly way: readonly PolicyTarget[]
  /** What a policy on the backend says of sessions. */
  readonly session: SessionPersistence | undefined
}

function armsOf(route: Route, rule: ForwardRule, { refs }: ForwardContext): Arm[] {
  return (rule.backendRefs ?? [])
    .map((ref) => {
      const resolved = resolveBackend(route, ref, refs)
      const split = (rule.backendRefs ?? []).length > 1
      const guard = authorizerOverride(route, split ? authorizerAmong(ref.filters) : undefined, refs)
      const valid = resolved.ok && guard !== 'unreachable'
      const cluster = valid ? clusterOfTarget(route, resolved.target, refs) : invalidBackend
      return {
        valid,
        cluster,
        guard: guard === 'unreachable' ? {} : guard,
        weight: ref.weight,
        filters: ref.filters ?? [],
        way:
          resolved.ok && resolved.target.kind === 'service'
            ? serviceWay(resolved.target.service.id, resolved.target.port.name)
            : [],
        session: resolved.ok ? sessionOf(resolved.target, refs) : undefined,
      }
    })
    .filter(({ weight }) => weight > 0)
}

function sessionOf(target: Target, { trafficPolicies }: ForwardContext['refs']): SessionPersistence | undefined {
  if (target.kind === 'backend') return undefined
  return effectivePolicy(trafficPolicies, target.service, target.port)?.spec.sessionPersistence
}

/** What a rule without any backend to go to answers: 500, which gRPC clients should see as UNAVAILABLE. */
function errorAnswer(route: Route): NonNullable<RouteInit['action']> {
  return { case: 'directResponse', value: { status: route.id.kind === 'GRPCRoute' ? 503 : 500 } }
}

/** An action with what policies on its way say that the rule does not say itself. */
function sending(
  route: Route,
  rule: ForwardRule,
  action: RouteActionInit,
  { arms, context }: { readonly arms: readonly Arm[]; readonly context: ForwardContext },
): RouteActionInit {
  const own = ownWay(route, rule, context)
  const { attached } = context.refs
  const policies = arms.filter(({ valid }) => valid).map((arm) => holdingPolicies(attached, [...own, ...arm.way]))
  const holding = withFilters(commonPolicies(policies), filterPolicies(route, rule, attached))
  const said = {
    timeout: rule.timeouts?.request !== undefined,
    perTry: rule.timeouts?.backendRequest !== undefined,
    retries: rule.retry !== undefined,
  }
  return withPolicies(action, holding, said)
}

/** The rule, the route, and what requests pass before. */
function ownWay({ id }: Route, { name }: ForwardRule, { way }: ForwardContext): PolicyTarget[] {
  return [...(name === undefined ? [] : [{ id, sectionName: name }]), { id }, ...way]
}

interface Sent {
  readonly arms: readonly Arm[]
  readonly all: readonly HttpFilter[]
  readonly route: Route
}

function routeAction(
  rule: ForwardRule,
  match: Pick<HttpMatch, 'path'> | undefined,
  { arms, all, route }: Sent,
  context: ForwardContext,
): RouteActionInit {
  const rewrite = all.find(({ urlRewrite }) => urlRewrite !== undefined)?.urlRewrite
  const authority = rewrite?.hostname ?? authoritySet(all)
  const mirrors = all.flatMap(({ requestMirror }) => (requestMirror === undefined ? [] : [requestMirror]))
  const perTryMs = durationMs(rule.timeouts?.backendRequest)
  const policy = rule.retry === undefined ? retryPolicy(context.retries) : routeRetry(rule.retry)
  const [first] = arms
  return {
    clusterSpecifier:
      arms.length === 1 && first !== undefined
        ? { case: 'cluster', value: first.cluster }
        : { case: 'weightedClusters', value: { clusters: arms.map(weighted) } },
    // One arm that leads nowhere answers as a rule without any would; the others go on.
    ...(arms.every(({ valid }) => valid) || route.id.kind === 'GRPCRoute'
      ? {}
      : { clusterNotFoundResponseCode: NotFoundCode.INTERNAL_SERVER_ERROR }),
    timeout: duration(durationMs(rule.timeouts?.request) ?? 0),
    ...retries(policy, perTryMs),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: authority } }),
    ...rewritePath(rewrite?.path, match),
    ...(mirrors.length === 0
      ? {}
      : { requestMirrorPolicies: mirrors.flatMap((mirror) => mirrorPolicy(mirror, route, context)) }),
  }
}

function retries(
  policy: Init<typeof RetryPolicySchema> | undefined,
  perTryMs = 0,
): Pick<RouteActionInit, 'retryPolicy'> {
  if (perTryMs > 0) return { retryPolicy: { numRetries: 0, ...policy, perTryTimeout: duration(perTryMs) } }
  return policy === undefined ? {} : { retryPolicy: policy }
}

function weighted({ cluster, weight, filters, guard }: Arm): Weighted {
  const authority = authoritySet(filters)
  return {
    name: cluster,
    weight,
    typedPerFilterConfig: guard,
    ...headerModifiers(filters),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: authority } }),
  }
}

/** One that cannot be followed is left out: the request itself is not touched by it. */
function mirrorPolicy(
  { backendRef, percent, fraction }: RequestMirror,
  route: Route,
  { refs }: ForwardContext,
): Init<typeof RouteAction_RequestMirrorPolicySchema>[] {
  const resolved = resolveBackend(route, backendRef, refs)
  const share = fraction === undefined ? (percent ?? 100) / 100 : fraction.numerator / fraction.denominator
  if (!resolved.ok || share <= 0) return []
  return [
    {
      cluster: clusterOfTarget(route, resolved.target, refs),
      ...(share >= 1
        ? {}
        : {
            runtimeFraction: {
              defaultValue: { numerator: Math.round(share * 1_000_000), denominator: Denominator.MILLION },
            },
          }),
      disableShadowHostSuffixAppend: true,
    },
  ]
}
