import { effectiveTimeouts } from '../decide/timeouts.ts'
import type { HttpConnectionManager, RouteAction } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'
import { effectiveRetryPolicy, hedgeVerdict, noRetries, type RetryVerdict } from '../reduce/retry-plan.ts'
import type { Subject } from '../request-head.ts'

/** Why a slow try is not hedged. */
const alone: Readonly<Record<Extract<RetryVerdict, { kind: 'stop' }>['reason'], string>> = {
  'not-retriable': 'its retry policy repeats nothing',
  'not-idempotent': 'it must not be sent twice',
  'request-headers': 'its retry policy is not for this request',
  limit: 'it has no retries',
}

/** Says when a request, as it is sent on, is sent again beside a slow try. */
export function tellHedges(
  manager: HttpConnectionManager,
  action: RouteAction,
  subject: Subject,
  recorder: Recorder,
): void {
  const { hedges, perTryMs, perTryIdleMs } = effectiveTimeouts(manager, action, subject.head)
  const afterMs = perTryMs || perTryIdleMs
  if (!hedges || afterMs === 0) return
  const policy = effectiveRetryPolicy(action.retryPolicy, subject.head) ?? noRetries
  const verdict = hedgeVerdict({ policy, retries: 0, subject }, 0)
  const beside = policy.numRetries === 1 ? 'another is sent' : `up to ${policy.numRetries} others are sent`
  const hedged = verdict.kind === 'retry'
  recorder.step({
    decision: 'hedge',
    chosen: hedged ? `${policy.numRetries} after ${afterMs} ms` : undefined,
    summary: hedged
      ? `beside a request that takes longer than ${afterMs} ms ${beside}; the first good answer is taken`
      : `no request is sent beside a slow one: ${alone[verdict.reason]}`,
    origins: {},
    losers: [],
  })
}
