// weft.dev/v1alpha1: policies that are attached to what carries or takes requests.
import type { TargetReference } from '../../gateway-api/types.ts'

/** What every policy has: what it is attached to; nothing if only routes name it, as a filter. */
export interface Attached {
  readonly targetRefs: readonly TargetReference[]
}

/** How failed requests are repeated. */
export interface RetryPolicySpec extends Attached {
  readonly attempts: number
  readonly retryOn: readonly string[]
  readonly statusCodes?: readonly number[]
  readonly perTryTimeout?: string
  readonly backoff?: { readonly base: string; readonly max?: string }
  readonly budget?: { readonly percent: number; readonly minConcurrency: number }
  readonly idempotency?: { readonly methods: readonly string[]; readonly keyHeader?: string }
}

/** How long requests may take. */
export interface TimeoutPolicySpec extends Attached {
  readonly request?: string
  readonly perTry?: string
  readonly idle?: string
  readonly maxStream?: string
  readonly grpc?: { readonly max: string; readonly reserve?: string }
}

/** When a second request is sent beside a slow one. */
export interface HedgingPolicySpec extends Attached {
  readonly after: string
  readonly attempts: number
}

/** Requests in a time. */
export interface RequestLimit {
  readonly requests: number
  readonly per: 'Second' | 'Minute' | 'Hour' | 'Day'
  readonly burst?: number
  readonly when?: {
    readonly path?: string
    readonly method?: string
    readonly headers?: readonly { readonly name: string; readonly value: string }[]
  }
  readonly by?: { readonly header?: string; readonly clientAddress?: boolean }
}

/** How many requests are let through. */
export interface RateLimitSpec extends Attached {
  readonly limits: readonly RequestLimit[]
  readonly status: number
  readonly headers?: readonly { readonly name: string; readonly value: string }[]
}
