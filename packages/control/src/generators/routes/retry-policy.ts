// Retries. The default repeats only what certainly was not processed; writing `retries` declares a route repeatable.
import { durationMs, type HttpRetry } from '@weft/resources'
import type { RetryPolicySchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { PreviousHostsPredicateSchema } from '@weft/xds/es/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts'
import { PreviousPrioritiesConfigSchema } from '@weft/xds/es/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config'
import { duration } from '../config-source.ts'
import { pack } from '../encode.ts'
import type { Init } from '../init.ts'

type RetryPolicyInit = Init<typeof RetryPolicySchema>

const unprocessed = 'connect-failure,refused-stream'
/** Istio's default conditions of an explicit `retries` (without 503, which may have been processed). */
const declared = 'connect-failure,refused-stream,unavailable,cancelled'

/** The retry policy of a route; undefined: none (`attempts: 0`). */
export function retryPolicy(retries: HttpRetry | undefined): RetryPolicyInit | undefined {
  if (retries === undefined) return { ...elsewhere(), retryOn: unprocessed, numRetries: 2 }
  if (retries.attempts === 0) return undefined
  const { conditions, statusCodes } = splitConditions(retries.retryOn ?? declared)
  const perTryTimeoutMs = durationMs(retries.perTryTimeout)
  const backoffMs = durationMs(retries.backoff)
  return {
    ...(retries.retryIgnorePreviousHosts === false ? {} : elsewhere()),
    ...(retries.retryRemoteLocalities === true ? otherLocalities() : {}),
    retryOn: conditions.join(','),
    retriableStatusCodes: statusCodes,
    numRetries: retries.attempts,
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeout: duration(perTryTimeoutMs) }),
    ...(backoffMs === undefined ? {} : { retryBackOff: { baseInterval: duration(backoffMs) } }),
  }
}

/** Prefer an endpoint that was not tried yet. */
function elsewhere(): RetryPolicyInit {
  return {
    retryHostPredicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        configType: { case: 'typedConfig', value: pack(PreviousHostsPredicateSchema) },
      },
    ],
    hostSelectionRetryMaxAttempts: 5n,
  }
}

/** Two tries at one priority before the next, as Istio has it. */
function otherLocalities(): RetryPolicyInit {
  return {
    retryPriority: {
      name: 'envoy.retry_priorities.previous_priorities',
      configType: { case: 'typedConfig', value: pack(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }) },
    },
  }
}

/** Istio lets status codes stand among the conditions; Envoy wants them apart. */
function splitConditions(retryOn: string): { conditions: string[]; statusCodes: number[] } {
  const parts = retryOn
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const statusCodes = parts.filter((part) => /^\d{3}$/.test(part)).map(Number)
  const conditions = parts.filter((part) => !/^\d{3}$/.test(part))
  if (statusCodes.length > 0 && !conditions.includes('retriable-status-codes'))
    conditions.push('retriable-status-codes')
  return { conditions, statusCodes }
}
