import type { BreakerUse } from '@weft/engine'

/** What is in use of one cluster and priority now; the engine's `admits` judges it. Changed in place. */
export type ClusterUse = { -readonly [K in keyof BreakerUse]: number }

/** Nothing in use. */
export function unused(): ClusterUse {
  return { connections: 0, pendingRequests: 0, requests: 0, retries: 0 }
}
