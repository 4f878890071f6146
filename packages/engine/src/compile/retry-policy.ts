// envoy.config.route.v3.RetryPolicy.
import * as lean from '@weft/xds/lean'
import { makeRule } from '../match/closure.ts'
import type { RetryOn, RetryPolicy } from '../model.ts'
import { compileHeaders } from './header-matcher.ts'
import { type Context, readPart, refuse } from './refusal.ts'

const conditions: ReadonlySet<string> = new Set<RetryOn>([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
])

/** The conditions in a comma-separated list; names Envoy does not know are left out, as it ignores them. */
export function parseRetryOn(text: string): {
  readonly known: ReadonlySet<RetryOn>
  readonly unknown: readonly string[]
} {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return {
    known: new Set(names.filter((name): name is RetryOn => conditions.has(name))),
    unknown: names.filter((name) => !conditions.has(name)),
  }
}

/** A retry policy with Envoy's defaults: 1 retry, 25 ms base interval, at most ten times the base. */
export function compileRetryPolicy(context: Context, at: string, policy: lean.RetryPolicy): RetryPolicy {
  const { known, unknown } = parseRetryOn(policy.retryOn)
  for (const name of unknown) context.unlisted.push(`envoy.config.route.v3.RetryPolicy.retry_on=${name}`)
  if (policy.rateLimitedRetryBackOff !== undefined) {
    context.unlisted.push('envoy.config.route.v3.RetryPolicy.rate_limited_retry_back_off')
  }
  const baseMs = policy.retryBackOff?.baseInterval ?? 25
  const maxMs = policy.retryBackOff?.maxInterval ?? baseMs * 10
  if (baseMs <= 0) return refuse(`${at}.retry_back_off.base_interval`, 'must be greater than 0')
  if (maxMs < baseMs) return refuse(`${at}.retry_back_off.max_interval`, 'must not be less than base_interval')
  return {
    retryOn: known,
    numRetries: policy.numRetries ?? 1,
    perTryTimeoutMs: policy.perTryTimeout ?? 0,
    perTryIdleTimeoutMs: policy.perTryIdleTimeout ?? 0,
    retriableStatusCodes: new Set(policy.retriableStatusCodes),
    retriableHeaders: compileHeaders(context, `${at}.retriable_headers`, policy.retriableHeaders).map(makeRule),
    retriableRequestHeaders: compileHeaders(
      context,
      `${at}.retriable_request_headers`,
      policy.retriableRequestHeaders,
    ).map(makeRule),
    backOff: { baseMs, maxMs },
    avoidPreviousHosts: avoidsPrevious(context, policy),
    hostSelectionMaxAttempts: policy.hostSelectionRetryMaxAttempts || 1,
    triesPerPriority: triesPerPriority(context, `${at}.retry_priority.typed_config`, policy.retryPriority),
  }
}

/** Of the one kind that is known; another is left out, and named. */
function triesPerPriority(
  context: Context,
  at: string,
  priority: lean.RetryPolicy_RetryPriority | undefined,
): number | undefined {
  if (priority === undefined) return undefined
  if (priority.typedConfig?.typeUrl !== lean.typeUrls.PreviousPrioritiesConfig) {
    context.unlisted.push(`envoy.config.route.v3.RetryPolicy.retry_priority=${priority.name}`)
    return undefined
  }
  const { updateFrequency } = readPart(context, at, lean.readPreviousPrioritiesConfig, priority.typedConfig.value)
  return updateFrequency > 0 ? updateFrequency : refuse(`${at}.update_frequency`, 'must be greater than 0')
}

function avoidsPrevious(context: Context, policy: lean.RetryPolicy): boolean {
  let avoid = false
  for (const predicate of policy.retryHostPredicate) {
    if (predicate.name === 'envoy.retry_host_predicates.previous_hosts') avoid = true
    else context.unlisted.push(`envoy.config.route.v3.RetryPolicy.retry_host_predicate=${predicate.name}`)
  }
  return avoid
}
