// Circuit-breaker thresholds: whether one more of something fits.
import type { BreakerLimits } from '../model.ts'

/** What is in use now, per cluster and priority. */
export interface BreakerUse {
  readonly connections: number
  readonly pendingRequests: number
  readonly requests: number
  readonly retries: number
  /** Requests that began in the interval of the retry budget; undefined: it has none. */
  readonly recent?: number | undefined
}

/** What there is a limit of. */
type Limited = Exclude<keyof BreakerUse, 'recent'>

/** True when one more fits. A retry budget, when set, takes the place of `maxRetries`. */
export function admits(limits: BreakerLimits, use: BreakerUse, what: Limited): boolean {
  switch (what) {
    case 'connections':
      return use.connections < limits.maxConnections
    case 'pendingRequests':
      return use.pendingRequests < limits.maxPendingRequests
    case 'requests':
      return use.requests < limits.maxRequests
    case 'retries':
      return use.retries < retriesMax(limits, use)
  }
}

function retriesMax(limits: BreakerLimits, use: BreakerUse): number {
  if (limits.retryBudget === undefined) return limits.maxRetries
  const counted = use.recent ?? use.requests + use.pendingRequests
  const share = Math.floor((counted * limits.retryBudget.percent) / 100)
  return Math.max(share, limits.retryBudget.minConcurrency)
}
