// What the CORS filter does with a request (envoy.filters.http.cors).
import { testValue } from '../match/value-test.ts'
import type { CorsPolicy, Fraction } from '../model.ts'
import type { RequestHead } from '../request-head.ts'
import type { ValueTest } from '../predicate.ts'

/** What becomes of a request with an origin. Headers: lower-case names and values in turn. */
export type CorsDecision =
  /** It does not concern the filter. */
  | { readonly kind: 'none' }
  /** Answered here, 200: `headers` say what the origin may do. */
  | { readonly kind: 'preflight'; readonly origin: AllowedOrigin; readonly headers: readonly string[] }
  /** Goes on; its answer gets these headers. */
  | { readonly kind: 'actual'; readonly origin: AllowedOrigin; readonly headers: readonly string[] }
  /** The policy is only watched. */
  | { readonly kind: 'shadow'; readonly origin: AllowedOrigin }

/** An origin, and the condition that lets it in; undefined: none does. */
export interface AllowedOrigin {
  readonly value: string
  readonly by: ValueTest | undefined
}

const none: CorsDecision = Object.freeze({ kind: 'none' })
const nothing: readonly string[] = []

/** Decides; `draw` in [0, 1) is held against the shares of the policy. */
export function decideCors(policy: CorsPolicy, head: RequestHead, draw: number): CorsDecision {
  const enabled = hits(policy.enabled, draw)
  if (!enabled && !hits(policy.shadow, draw)) return none
  const value = head.header('origin')
  if (value === undefined || value === '') return none
  const origin = { value, by: policy.origins.find((test) => testValue(test, '*') || testValue(test, value)) }
  if (!enabled) return { kind: 'shadow', origin }
  const preflight = head.method() === 'OPTIONS' && (head.header('access-control-request-method') ?? '') !== ''
  if (!preflight) {
    return { kind: 'actual', origin, headers: origin.by === undefined ? nothing : answerHeaders(policy, value) }
  }
  if (origin.by === undefined && policy.forwardsOthers !== false) return none
  return { kind: 'preflight', origin, headers: preflightHeaders(policy, head, origin) }
}

/** A policy with what it leaves open taken from a less specific one. */
export function mergeCors(policy: CorsPolicy, wider: CorsPolicy): CorsPolicy {
  return {
    origins: policy.origins.length > 0 ? policy.origins : wider.origins,
    methods: policy.methods ?? wider.methods,
    headers: policy.headers ?? wider.headers,
    expose: policy.expose ?? wider.expose,
    maxAge: policy.maxAge ?? wider.maxAge,
    credentials: policy.credentials ?? wider.credentials,
    privateNetwork: policy.privateNetwork ?? wider.privateNetwork,
    forwardsOthers: policy.forwardsOthers ?? wider.forwardsOthers,
    enabled: policy.enabled,
    shadow: policy.shadow,
  }
}

function hits({ numerator, denominator }: Fraction, draw: number): boolean {
  return Math.floor(draw * denominator) < numerator
}

/** As Envoy: who is not allowed is told the rest all the same; without an `allow-origin` no browser goes on. */
function preflightHeaders(policy: CorsPolicy, head: RequestHead, { by, value }: AllowedOrigin): readonly string[] {
  const headers = by === undefined ? credentialsHeader(policy) : answerHeaders(policy, value)
  const asked = (of: 'method' | 'headers'): string => head.header(`access-control-request-${of}`) ?? ''
  // To a page with credentials `*` is the name of a method or header, not all of them: what was asked for is said back.
  const { methods, headers: names } = policy
  if (methods !== undefined) headers.push('access-control-allow-methods', methods === '*' ? asked('method') : methods)
  if (names !== undefined) headers.push('access-control-allow-headers', names === '*' ? asked('headers') : names)
  if (policy.maxAge !== undefined) headers.push('access-control-max-age', policy.maxAge)
  if (policy.privateNetwork === true && head.header('access-control-request-private-network') === 'true')
    headers.push('access-control-allow-private-network', 'true')
  return headers
}

function answerHeaders(policy: CorsPolicy, origin: string): string[] {
  const headers = ['access-control-allow-origin', origin, ...credentialsHeader(policy)]
  if (policy.expose !== undefined) headers.push('access-control-expose-headers', policy.expose)
  return headers
}

function credentialsHeader({ credentials }: CorsPolicy): string[] {
  return credentials === true ? ['access-control-allow-credentials', 'true'] : []
}
