// envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, and the rate_limits of routes.
import type * as lean from '@weft/xds/lean'
import { makeRule } from '../match/closure.ts'
import type { CountedLimit, DescriptorPart, DescriptorRecipe, HttpRateLimit } from '../model-rate-limits.ts'
import type { TokenBucketSpec } from '../reduce/token-bucket.ts'
import { compileFraction } from './fraction.ts'
import { compileHeaders } from './header-matcher.ts'
import { compileHeaderOptions } from './header-rules.ts'
import { type Context, refuse } from './refusal.ts'

/** So many tokens are never used up. */
const unlimited = 4_294_967_295
const leastFillMs = 50

/** Names of Envoy's statuses that a refusal may have; others are 429, as in Envoy. */
const statuses: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  PaymentRequired: 402,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  ProxyAuthenticationRequired: 407,
  RequestTimeout: 408,
  Conflict: 409,
  Gone: 410,
  LengthRequired: 411,
  PreconditionFailed: 412,
  PayloadTooLarge: 413,
  URITooLong: 414,
  UnsupportedMediaType: 415,
  RangeNotSatisfiable: 416,
  ExpectationFailed: 417,
  MisdirectedRequest: 421,
  UnprocessableEntity: 422,
  Locked: 423,
  FailedDependency: 424,
  UpgradeRequired: 426,
  PreconditionRequired: 428,
  RequestHeaderFieldsTooLarge: 431,
  InternalServerError: 500,
  NotImplemented: 501,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
  HTTPVersionNotSupported: 505,
  VariantAlsoNegotiates: 506,
  InsufficientStorage: 507,
  LoopDetected: 508,
  NotExtended: 510,
  NetworkAuthenticationRequired: 511,
}

/** A LocalRateLimit: enforced for all requests, or (where it does not say so) for none. */
export function compileRateLimit(at: string, limit: lean.LocalRateLimit): HttpRateLimit {
  const enabled = isWhole(`${at}.filter_enabled`, limit.filterEnabled)
  const enforced = isWhole(`${at}.filter_enforced`, limit.filterEnforced)
  if (!enabled || !enforced) return { kind: 'rate-limit', all: undefined, limits: [], status: 429, headers: [] }
  if (limit.stage !== 0) refuse(`${at}.stage`, 'must be 0: other stages are not supported')
  const all = limit.tokenBucket
  return {
    kind: 'rate-limit',
    all: all === undefined || all.maxTokens === unlimited ? undefined : compileBucket(`${at}.token_bucket`, all),
    limits: limit.descriptors.map((descriptor, index) => compileDescriptor(`${at}.descriptors[${index}]`, descriptor)),
    status: statuses[limit.status?.code ?? ''] ?? 429,
    headers: compileHeaderOptions(`${at}.response_headers_to_add`, limit.responseHeadersToAdd),
  }
}

/** All requests, or none. */
function isWhole(at: string, share: lean.RuntimeFractionalPercent | undefined): boolean {
  const { numerator, denominator } = compileFraction(share?.defaultValue)
  if (numerator !== 0 && numerator < denominator) refuse(at, 'must be 0 or 100 percent: other shares are not supported')
  return numerator > 0
}

function compileDescriptor(at: string, { entries, tokenBucket }: lean.LocalRateLimitDescriptor): CountedLimit {
  if (entries.length === 0) refuse(`${at}.entries`, 'must not be empty')
  if (tokenBucket === undefined) return refuse(`${at}.token_bucket`, 'is missing')
  return {
    entries: entries.map(({ key, value }) => ({ key, value: value === '' ? undefined : value })),
    bucket: compileBucket(`${at}.token_bucket`, tokenBucket),
  }
}

/** Tokens come one by one, evenly, as Envoy's do. */
function compileBucket(
  at: string,
  { maxTokens, tokensPerFill = 1, fillInterval = 0 }: lean.TokenBucket,
): TokenBucketSpec {
  if (maxTokens < 1) refuse(`${at}.max_tokens`, 'must be at least 1')
  if (tokensPerFill < 1) refuse(`${at}.tokens_per_fill`, 'must be at least 1')
  if (fillInterval < leastFillMs) refuse(`${at}.fill_interval`, `must be at least ${leastFillMs} ms`)
  return { tokensMax: maxTokens, tokensPerFill: 1, fillIntervalMs: fillInterval / tokensPerFill }
}

/** The rate_limits of a route. */
export function compileRecipes(context: Context, at: string, limits: readonly lean.RateLimit[]): DescriptorRecipe[] {
  return limits.map(({ actions, stage }, index) => {
    const here = `${at}[${index}]`
    if (stage !== undefined && stage !== 0) refuse(`${here}.stage`, 'must be 0: other stages are not supported')
    if (actions.length === 0) refuse(`${here}.actions`, 'must not be empty')
    return actions.map((action, place) => compileAction(context, `${here}.actions[${place}]`, action))
  })
}

function compileAction(context: Context, at: string, action: lean.RateLimit_Action): DescriptorPart {
  const { genericKey, headerValueMatch, requestHeaders, remoteAddress } = action
  if (genericKey !== undefined) {
    return { kind: 'fixed', key: genericKey.descriptorKey || 'generic_key', value: genericKey.descriptorValue }
  }
  if (headerValueMatch !== undefined) {
    const { descriptorKey, descriptorValue: value, expectMatch: expect = true, headers } = headerValueMatch
    const rule = makeRule({ op: 'and', all: compileHeaders(context, `${at}.header_value_match.headers`, headers) })
    return { kind: 'match', key: descriptorKey || 'header_match', value, rule, expect }
  }
  if (requestHeaders !== undefined) {
    const { headerName, descriptorKey: key, skipIfAbsent: skips } = requestHeaders
    return { kind: 'header', key, header: headerName.toLowerCase(), skips }
  }
  return remoteAddress === undefined ? refuse(at, 'is of a kind that is not known') : { kind: 'address' }
}
