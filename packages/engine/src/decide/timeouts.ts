// The time limits of one request (Envoy's FilterUtility::finalTimeout).
import type { HttpConnectionManager, RouteAction } from '../model.ts'
import type { RequestHead } from '../request-head.ts'

/** Milliseconds; 0 = no limit. */
export interface EffectiveTimeouts {
  /** From the end of the request to the end of the response. */
  readonly requestMs: number
  readonly perTryMs: number
  readonly perTryIdleMs: number
  /** Stream idle. */
  readonly idleMs: number
  readonly maxStreamDurationMs: number
}

/**
 * Route and manager, with the request's own wishes (`x-envoy-upstream-rq-timeout-ms`,
 * `x-envoy-upstream-rq-per-try-timeout-ms`). A per-try limit that is not below the whole one is dropped.
 */
export function effectiveTimeouts(
  manager: HttpConnectionManager,
  action: RouteAction,
  head: RequestHead,
): EffectiveTimeouts {
  const requestMs = headerMs(head, 'x-envoy-upstream-rq-timeout-ms') ?? action.timeoutMs
  const perTry = headerMs(head, 'x-envoy-upstream-rq-per-try-timeout-ms') ?? action.retryPolicy?.perTryTimeoutMs ?? 0
  return {
    requestMs,
    perTryMs: requestMs > 0 && perTry >= requestMs ? 0 : perTry,
    perTryIdleMs: action.retryPolicy?.perTryIdleTimeoutMs ?? 0,
    idleMs: action.idleTimeoutMs ?? manager.timeouts.streamIdleMs,
    maxStreamDurationMs: action.maxStreamDurationMs ?? manager.timeouts.maxStreamDurationMs,
  }
}

function headerMs(head: RequestHead, name: string): number | undefined {
  const text = head.header(name)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
