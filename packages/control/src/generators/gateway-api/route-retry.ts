// Retries of an HTTPRoute rule. Writing them declares its requests repeatable.
import { durationMs } from '@weft/resources'
import type { RetryPolicySchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { HttpRule } from '../../gateway-api/rules.ts'
import type { Init } from '../init.ts'
import { retryPolicy } from '../routes/retry-policy.ts'

/** On these codes, and on every connection that fails or takes too long; undefined: none. */
export function routeRetry({
  codes,
  attempts,
  backoff,
}: NonNullable<HttpRule['retry']>): Init<typeof RetryPolicySchema> | undefined {
  const backoffMs = durationMs(backoff)
  return retryPolicy({
    attempts: attempts ?? 2,
    retryOn: ['connect-failure', 'refused-stream', 'reset', ...(codes ?? []).map(String)].join(','),
    ...(backoffMs === undefined || backoffMs === 0 || backoff === undefined ? {} : { backoff }),
  })
}
