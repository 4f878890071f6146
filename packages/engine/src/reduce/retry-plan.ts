// Whether, and when, a failed attempt is repeated (Envoy's RetryStateImpl).
import { parseRetryOn } from '../compile/retry-policy.ts'
import type { RetryOn, RetryPolicy } from '../model.ts'
import type { RequestHead, Subject } from '../request-head.ts'

/** The policy of a route without one: no attempt is repeated. A request's own wishes build on it. */
export const noRetries: RetryPolicy = {
  retryOn: new Set(),
  numRetries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  retriableStatusCodes: new Set(),
  retriableHeaders: [],
  retriableRequestHeaders: [],
  backOff: { baseMs: 25, maxMs: 250 },
  avoidPreviousHosts: false,
  hostSelectionMaxAttempts: 1,
  triesPerPriority: undefined,
}

/** How an attempt ended. */
export type AttemptOutcome =
  /** No connection: nothing of the request was sent. */
  | { readonly kind: 'connect-failure' }
  /** The upstream says it did not process the stream. */
  | { readonly kind: 'refused-stream' }
  /** The connection broke. `requestStarted`: some of the request had been sent. */
  | { readonly kind: 'reset'; readonly requestStarted: boolean }
  | { readonly kind: 'per-try-timeout' }
  /** A limit of ours said no (circuit breaker): never retried. */
  | { readonly kind: 'overflow' }
  | { readonly kind: 'response'; readonly status: number; header(name: string): string | undefined }

/** What an exchange knows when an attempt fails. */
export interface RetryState {
  readonly policy: RetryPolicy
  /** Retries done so far. */
  readonly retries: number
  readonly subject: Subject
  /** Somebody declared these retries (a `retries` block, a request header): they may repeat what was processed. */
  readonly declared: boolean
}

/** Go on, or why not. */
export type RetryVerdict =
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'stop'; readonly reason: 'not-retriable' | 'limit' | 'not-idempotent' | 'request-headers' }

/** Decides about one failed attempt. `jitter` in [0, 1). Whether a breaker allows the retry is asked elsewhere. */
export function retryVerdict(state: RetryState, outcome: AttemptOutcome, jitter: number): RetryVerdict {
  const reason = obstacle(state, outcome)
  return reason === undefined ? nextVerdict(state, jitter) : { kind: 'stop', reason }
}

/**
 * Decides whether another try is sent beside one that takes too long: whatever is repeated otherwise, as in Envoy, as long as
 * anything is. A request that its policy holds to be unrepeatable is not sent twice (Envoy would).
 */
export function hedgeVerdict(state: Omit<RetryState, 'declared'>, jitter: number): RetryVerdict {
  if (state.policy.retryOn.size === 0) return { kind: 'stop', reason: 'not-retriable' }
  if (!mayRepeatRequest(state)) return { kind: 'stop', reason: 'request-headers' }
  return nextVerdict(state, jitter)
}

/** True when an outcome is one that is repeated, whether or not anything is left to repeat it with. */
export function isRepeated(state: Omit<RetryState, 'retries'>, outcome: AttemptOutcome): boolean {
  return obstacle(state, outcome) === undefined
}

type Obstacle = Exclude<Extract<RetryVerdict, { kind: 'stop' }>['reason'], 'limit'>

function obstacle(state: Omit<RetryState, 'retries'>, outcome: AttemptOutcome): Obstacle | undefined {
  if (!isRetriable(state.policy, outcome, state.subject)) return 'not-retriable'
  if (!mayRepeatRequest(state)) return 'request-headers'
  const risky = !state.declared && mayHaveRun(outcome) && !isIdempotent(state.subject.head.method())
  return risky ? 'not-idempotent' : undefined
}

function mayRepeatRequest({ policy, subject }: Pick<RetryState, 'policy' | 'subject'>): boolean {
  const wanted = policy.retriableRequestHeaders
  return wanted.length === 0 || wanted.some((rule) => rule.test(subject))
}

function nextVerdict({ policy, retries }: Pick<RetryState, 'policy' | 'retries'>, jitter: number): RetryVerdict {
  if (retries >= policy.numRetries) return { kind: 'stop', reason: 'limit' }
  return { kind: 'retry', afterMs: backOffMs(policy, retries, jitter) }
}

/** Full jitter: a random part of base x 2^retries, at most the maximum interval. Milliseconds. */
export function backOffMs(policy: RetryPolicy, retries: number, jitter: number): number {
  return jitter * Math.min(policy.backOff.baseMs * 2 ** retries, policy.backOff.maxMs)
}

/** Methods whose repetition changes nothing (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return /^(GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/.test(method)
}

function mayHaveRun(outcome: AttemptOutcome): boolean {
  if (outcome.kind === 'connect-failure' || outcome.kind === 'refused-stream') return false
  return outcome.kind !== 'reset' || outcome.requestStarted
}

function isRetriable(policy: RetryPolicy, outcome: AttemptOutcome, subject: Subject): boolean {
  const on = policy.retryOn
  switch (outcome.kind) {
    case 'overflow':
      return false
    case 'response':
      return isRetriableResponse(policy, outcome, subject)
    default:
      if (on.has('reset') || on.has('5xx') || on.has('gateway-error')) return true
      if (on.has('reset-before-request') && !mayHaveRun(outcome)) return true
      if (outcome.kind === 'refused-stream') return on.has('refused-stream')
      return outcome.kind === 'connect-failure' && on.has('connect-failure')
  }
}

type Response = Extract<AttemptOutcome, { kind: 'response' }>

function isRetriableResponse(policy: RetryPolicy, response: Response, subject: Subject): boolean {
  const on = policy.retryOn
  const { status } = response
  if (response.header('x-envoy-ratelimited') !== undefined) return on.has('envoy-ratelimited')
  if (on.has('5xx') && status >= 500 && status < 600) return true
  if (on.has('gateway-error') && status >= 502 && status <= 504) return true
  if (on.has('retriable-4xx') && status === 409) return true
  if (on.has('retriable-status-codes') && policy.retriableStatusCodes.has(status)) return true
  if (on.has('retriable-headers') && hasRetriableHeader(policy, response, subject)) return true
  const grpc = grpcConditions[response.header('grpc-status') ?? '']
  return grpc !== undefined && on.has(grpc)
}

const grpcConditions: Readonly<Record<string, RetryOn>> = {
  '1': 'cancelled',
  '4': 'deadline-exceeded',
  '8': 'resource-exhausted',
  '13': 'internal',
  '14': 'unavailable',
}

function hasRetriableHeader(policy: RetryPolicy, response: Response, subject: Subject): boolean {
  const head: RequestHead = {
    method: () => '',
    path: () => '',
    query: () => undefined,
    authority: () => '',
    scheme: () => '',
    header: (name) => response.header(name),
    headerLine: (name, index) => (index === 0 ? response.header(name) : undefined),
  }
  const { connection, random } = subject
  return policy.retriableHeaders.some((rule) => rule.test({ head, connection, random }))
}

/**
 * The policy after the request's own wishes (`x-envoy-retry-on`, `x-envoy-retry-grpc-on`, `x-envoy-max-retries`,
 * `x-envoy-retriable-status-codes`) are added; undefined: no retries.
 */
export function effectiveRetryPolicy(policy: RetryPolicy | undefined, head: RequestHead): RetryPolicy | undefined {
  const wishes = [head.header('x-envoy-retry-on'), head.header('x-envoy-retry-grpc-on')].filter(
    (one) => one !== undefined,
  )
  const codes = head.header('x-envoy-retriable-status-codes')
  const most = head.header('x-envoy-max-retries')
  if (wishes.length === 0 && (policy === undefined || (codes === undefined && most === undefined))) return policy
  const base = policy ?? noRetries
  const statuses = (codes ?? '').split(',').map((code) => Number(code.trim()))
  return {
    ...base,
    retryOn: new Set([...base.retryOn, ...parseRetryOn(wishes.join(',')).known]),
    numRetries: most !== undefined && /^\d{1,6}$/.test(most) ? Number(most) : base.numRetries,
    retriableStatusCodes: new Set([
      ...base.retriableStatusCodes,
      ...statuses.filter((code) => code >= 100 && code < 600),
    ]),
  }
}
