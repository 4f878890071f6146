// Retries and hashes as gRPC clients know them.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RetryPolicySchema, RouteActionSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { Init } from '../init.ts'

type RetryPolicyInit = Init<typeof RetryPolicySchema>
type HashPolicies = NonNullable<Init<typeof RouteActionSchema>['hashPolicy']>

/** Status codes that gRPC retries on (A44). Calls that never left, or were refused unseen, it repeats without being told. */
const codes = new Set(['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'])
const unasked = new Set(['connect-failure', 'refused-stream', 'reset-before-request'])

/** The part of a retry policy that gRPC follows; undefined: nothing of it. */
export function grpcRetryPolicy(
  policy: MessageInitShape<typeof RetryPolicySchema> | undefined,
  said: Set<string>,
): RetryPolicyInit | undefined {
  if (policy === undefined) return undefined
  const conditions = (policy.retryOn ?? '').split(',')
  const known = conditions.filter((condition) => codes.has(condition))
  const unknown = conditions.filter((condition) => condition !== '' && !codes.has(condition) && !unasked.has(condition))
  if (unknown.length > 0) said.add(`do not retry on ${unknown.join(', ')}`)
  if (policy.perTryTimeout !== undefined) said.add('have no timeout of a try')
  const { numRetries = 0, retryBackOff } = policy
  if (known.length === 0 || numRetries === 0) return undefined
  const { seconds = 0n, nanos = 0 } = retryBackOff?.baseInterval ?? {}
  return {
    retryOn: known.join(','),
    numRetries,
    ...(seconds > 0n || nanos > 0 ? { retryBackOff: { baseInterval: { seconds, nanos } } } : {}),
  }
}

/** By a header; what else may be hashed exists only in proxies. */
export function grpcHashPolicies(policies: HashPolicies, said: Set<string>): HashPolicies {
  return policies.filter(({ policySpecifier }) => {
    if (policySpecifier?.case === 'header') return true
    said.add(`do not hash by ${policySpecifier?.case ?? 'nothing'}`)
    return false
  })
}
