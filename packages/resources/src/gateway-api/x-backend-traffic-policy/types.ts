// XBackendTrafficPolicy (experimental), with defaults filled in.
import type { LocalReference, SessionPersistence } from '../types.ts'

/** Spec of an XBackendTrafficPolicy. */
export interface XBackendTrafficPolicySpec {
  readonly targetRefs: readonly LocalReference[]
  readonly retryConstraint?: {
    readonly budget: { readonly percent: number; readonly interval: string }
    readonly minRetryRate: { readonly count?: number; readonly interval?: string }
  }
  readonly sessionPersistence?: SessionPersistence
}
