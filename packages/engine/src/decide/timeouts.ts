// The time limits of one request (Envoy's FilterUtility::finalTimeout).
import type { HttpConnectionManager, RouteAction } from '../model.ts'
import type { RequestHead } from '../request-head.ts'

/** Milliseconds; 0 = no limit. */
export interface EffectiveTimeouts {
  /** From the end of the request to the end of the response. */
  readonly requestMs: number
  readonly perTryMs: number
  readonly perTryIdleMs: number
  /** A try that is over its limit goes on, and the next is sent beside it. */
  readonly hedges: boolean
  /** Stream idle. */
  readonly idleMs: number
  readonly maxStreamDurationMs: number
  /** What the upstream is told in `grpc-timeout`; 0: what the client said. */
  readonly grpcTimeoutMs: number
}

/**
 * Route and manager, with the request's own wishes (`x-envoy-upstream-rq-timeout-ms`,
 * `x-envoy-upstream-rq-per-try-timeout-ms`, `x-envoy-hedge-on-per-try-timeout`). A per-try limit that is not below the whole one is dropped.
 */
export function effectiveTimeouts(
  manager: HttpConnectionManager,
  action: RouteAction,
  head: RequestHead,
): EffectiveTimeouts {
  const forGrpc = grpcRequestMs(action.grpcRequestTimeout, head)
  const requestMs = headerMs(head, 'x-envoy-upstream-rq-timeout-ms') ?? forGrpc ?? action.timeoutMs
  const perTry = headerMs(head, 'x-envoy-upstream-rq-per-try-timeout-ms') ?? action.retryPolicy?.perTryTimeoutMs ?? 0
  const perTryMs = requestMs > 0 && perTry >= requestMs ? 0 : perTry
  const streamMs = grpcLimitMs(action.grpcTimeout, head)
  return {
    requestMs,
    perTryMs,
    perTryIdleMs: action.retryPolicy?.perTryIdleTimeoutMs ?? 0,
    hedges: headerFlag(head, 'x-envoy-hedge-on-per-try-timeout') ?? action.hedges,
    idleMs: action.idleTimeoutMs ?? manager.timeouts.streamIdleMs,
    maxStreamDurationMs: streamMs ?? action.maxStreamDurationMs ?? manager.timeouts.maxStreamDurationMs,
    grpcTimeoutMs: streamMs ?? (forGrpc === undefined ? 0 : perTryMs || requestMs),
  }
}

/** The deadline a gRPC client named, as the route lets it count; undefined: it named none, or the route does not look. */
function grpcLimitMs(rule: RouteAction['grpcTimeout'], head: RequestHead): number | undefined {
  const wantedMs = rule === undefined ? undefined : grpcTimeoutMs(head.header('grpc-timeout'))
  if (rule === undefined || wantedMs === undefined) return undefined
  const limitedMs = rule.mostMs > 0 ? Math.min(wantedMs, rule.mostMs) : wantedMs
  // At least a moment: 0 would mean no limit at all.
  return Math.max(rule.offsetMs < limitedMs ? limitedMs - rule.offsetMs : 0, leastLimitMs)
}

/** The limit of a gRPC call by a rule that caps it; one that names no deadline has the cap. Undefined: no gRPC, or no rule. */
function grpcRequestMs(rule: RouteAction['grpcRequestTimeout'], head: RequestHead): number | undefined {
  if (rule === undefined || !/^application\/grpc(?:$|[+;])/.test(head.header('content-type') ?? '')) return undefined
  const saidMs = grpcTimeoutMs(head.header('grpc-timeout')) ?? 0
  const wantedMs = rule.offsetMs < saidMs ? saidMs - rule.offsetMs : saidMs
  return rule.mostMs > 0 && (wantedMs === 0 || wantedMs > rule.mostMs) ? rule.mostMs : wantedMs
}

/** A duration as `grpc-timeout` has it: at most eight digits, in the smallest unit from milliseconds on. */
export function grpcTimeoutText(ms: number): string {
  for (const unit of ['m', 'S', 'M', 'H'] as const) {
    const count = Math.ceil(ms / (unitMs[unit] as number))
    if (count < 100_000_000) return `${count}${unit}`
  }
  return '99999999H'
}

const leastLimitMs = 1
/** The longest a timer can wait. */
const mostLimitMs = 0x7fff_ffff
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** The value of a `grpc-timeout` header: at most eight digits and a unit; undefined when it is not that. */
function grpcTimeoutMs(text: string | undefined): number | undefined {
  const parts = /^(\d{1,8})([HMSmun])$/.exec(text?.trim() ?? '')
  if (parts === null) return undefined
  return Math.min(mostLimitMs, Math.ceil(Number(parts[1]) * (unitMs[parts[2] as string] as number)))
}

function headerFlag(head: RequestHead, name: string): boolean | undefined {
  const text = head.header(name)
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function headerMs(head: RequestHead, name: string): number | undefined {
  const text = head.header(name)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
