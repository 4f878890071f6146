import type { RetryPolicy } from '@weft/engine'

/** Without a policy of the route: a connection that could not be made has sent nothing, so it is safe to try again. */
export const connectRetries: RetryPolicy = {
  retryOn: new Set(['connect-failure', 'refused-stream']),
  numRetries: 2,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  retriableStatusCodes: new Set(),
  retriableHeaders: [],
  retriableRequestHeaders: [],
  backOff: { baseMs: 25, maxMs: 250 },
  avoidPreviousHosts: true,
  hostSelectionMaxAttempts: 3,
}
