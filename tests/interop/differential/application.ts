// What an application does when a request tells it to, and what becomes of the request then: retries, time limits.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import {
  type AttemptOutcome,
  effectiveRetryPolicy,
  effectiveTimeouts,
  grpcStatusOf,
  hedgeVerdict,
  type HttpConnectionManager,
  isGrpcType,
  isIdempotent,
  type RetryVerdict,
  retryVerdict,
  type RouteAction,
  type Subject,
} from '@weft/engine'
import type { SeededRandom } from './seeded-random.ts'

/** The header that tells the application what to do: a status, `grpc-<status>`, `reset` or `cut` its connection, or `hang`. */
export const applicationHeader = 'x-app'

const answers = ['404', '409', '429', '500', '502', '503', '504', 'grpc-1', 'grpc-14'] as const

export type ApplicationRequest = IncomingMessage | Http2ServerRequest
export type ApplicationResponse = ServerResponse | Http2ServerResponse

/** Does it; an application that was told nothing answers 200. */
export function behave(request: ApplicationRequest, response: ApplicationResponse): void {
  const wish = String(request.headers[applicationHeader] ?? '200')
  request.resume()
  if (wish === 'hang') return
  if (wish === 'reset') return void request.socket.destroy()
  if (wish === 'cut') return void request.socket.end('HTTP/1.1 20')
  const { status, grpcStatus } = answerTo(wish)
  response.statusCode = status
  for (const [name, value] of answerLines(grpcStatus)) response.setHeader(name, value)
  response.setHeader('content-length', '2')
  if (request.method === 'HEAD') response.end()
  else response.end('ok')
}

function answerLines(grpcStatus: string | undefined): readonly (readonly [string, string])[] {
  const grpc = grpcStatus === undefined ? [] : [['grpc-status', grpcStatus] as const]
  return [['x-added', 'by the application'], ...grpc]
}

function answerTo(wish: string): { readonly status: number; readonly grpcStatus: string | undefined } {
  const grpc = wish.startsWith('grpc-')
  return { status: grpc ? 200 : Number(wish), grpcStatus: grpc ? wish.slice('grpc-'.length) : undefined }
}

/** Envoy's default of 15 s would take as long. */
const longestWaitMs = 4_000

/** `connect-failure` and `refused-stream`, which no application of ours brings about. */
const defaultConditions = 2

/** What decides about the end of a forwarded request. */
export interface Forwarded {
  readonly manager: HttpConnectionManager
  readonly action: RouteAction
  readonly subject: Subject
}

/** The answer, and how often the application is asked. */
export interface ApplicationOutcome {
  readonly status: number
  readonly attempts: number
  /** Headers of the application's answer; none when the answer is not the application's. */
  readonly lines: readonly (readonly [string, string])[]
}

/** Something for the application to do, as far as the answer is certain then; undefined: nothing special. */
export function applicationWish(random: SeededRandom, forwarded: Forwarded, onlyAnswers: boolean): string | undefined {
  const { manager, action, subject } = forwarded
  const { requestMs, perTryMs, hedges } = effectiveTimeouts(manager, action, subject.head)
  const cares = action.retryPolicy !== undefined && action.retryPolicy.retryOn.size > defaultConditions
  // Tries that are only sent beside others end with the whole.
  const limited = (perTryMs > 0 && !hedges) || (requestMs > 0 && requestMs <= longestWaitMs)
  if (random.chance(cares || limited ? 0.2 : 0.7)) return undefined
  // Another proxy on the way would answer by itself.
  if (onlyAnswers) return random.pick(answers)
  if (limited && random.chance(0.5)) return 'hang'
  const repeated = cares ? answers.filter((wish) => applicationOutcome(forwarded, wish).attempts > 1) : []
  if (repeated.length > 0 && random.chance(0.5)) return random.pick(repeated)
  // Where a route retries at all, Weft's proxy repeats an idempotent request whose connection ended without a word (RFC 9110
  // section 9.2.2, RFC 9112 section 9.3.1), however often that was.
  return random.pick([...answers, isIdempotent(subject.head.method()) ? 'cut' : 'reset', 'cut'])
}

/** What the retry plan makes of it. */
export function applicationOutcome(forwarded: Forwarded, wish: string | undefined): ApplicationOutcome {
  const { manager, action, subject } = forwarded
  if (wish === undefined) return { status: 200, attempts: 1, lines: answerLines(undefined) }
  const { perTryMs, hedges } = effectiveTimeouts(manager, action, subject.head)
  const policy = effectiveRetryPolicy(action.retryPolicy, subject.head)
  if (wish === 'hang' && perTryMs === 0) return { attempts: 1, ...answerOf(wish, subject) }
  const outcome = attemptOutcome(wish)
  let attempts = 1
  if (policy !== undefined) {
    const state = { policy, subject, declared: action.retryPolicy !== undefined }
    const next = (retries: number): RetryVerdict =>
      wish === 'hang' && hedges
        ? hedgeVerdict({ ...state, retries }, 0)
        : retryVerdict({ ...state, retries }, outcome, 0)
    while (next(attempts - 1).kind === 'retry') attempts++
  }
  return { attempts, ...answerOf(wish, subject) }
}

function attemptOutcome(wish: string): AttemptOutcome {
  if (wish === 'hang') return { kind: 'per-try-timeout' }
  if (wish === 'reset' || wish === 'cut') return { kind: 'reset', requestStarted: true }
  const { status, grpcStatus } = answerTo(wish)
  return { kind: 'response', status, header: (name) => (name === 'grpc-status' ? grpcStatus : undefined) }
}

/** Answers of the proxy for an application that has none. */
const byProxy: Readonly<Record<string, number>> = { hang: 504, reset: 503, cut: 502 }

function answerOf(wish: string, { head }: Subject): Omit<ApplicationOutcome, 'attempts'> {
  const own = byProxy[wish]
  if (own === undefined) {
    const { status, grpcStatus } = answerTo(wish)
    return { status, lines: answerLines(grpcStatus) }
  }
  if (!isGrpcType(head.header('content-type'))) return { status: own, lines: [] }
  return { status: 200, lines: [['grpc-status', String(grpcStatusOf(own))]] }
}
