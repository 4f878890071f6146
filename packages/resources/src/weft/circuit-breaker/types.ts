// weft.dev/v1alpha1 CircuitBreaker: limits towards Services, also for routes of the Gateway API, which has no words for them.
import type { LocalReference } from '../../gateway-api/types.ts'

/** Leaves endpoints out for a while that fail. */
export interface Ejection {
  readonly consecutiveErrors?: number
  readonly interval?: string
  readonly baseTime?: string
  readonly maxPercent?: number
}

/** Spec of a CircuitBreaker. */
export interface CircuitBreakerSpec {
  /** Services of the namespace. */
  readonly targetRefs: readonly LocalReference[]
  readonly maxConnections?: number
  readonly maxPendingRequests?: number
  readonly maxRequests?: number
  readonly maxRetries?: number
  readonly ejection?: Ejection
}
