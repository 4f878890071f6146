// RetryPolicy, TimeoutPolicy and HedgingPolicy in the action of a route. What the route itself says goes first.
import { durationMs, type RetryPolicySpec, type TimeoutPolicySpec } from '@weft/resources'
import type {
  HeaderMatcherSchema,
  RetryPolicySchema,
  RouteActionSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { HoldingPolicies } from '../../gateway-api/attached-policies.ts'
import { duration } from '../config-source.ts'
import type { Init } from '../init.ts'
import { retryPolicy } from './retry-policy.ts'

type RouteActionInit = Init<typeof RouteActionSchema>
type RetryPolicyInit = Init<typeof RetryPolicySchema>

/** What a route says itself. */
export interface Said {
  readonly timeout: boolean
  readonly perTry: boolean
  readonly retries: boolean
}

/** An action with what the policies on its way add to it. */
export function withPolicies(action: RouteActionInit, policies: HoldingPolicies, said: Said): RouteActionInit {
  const { retry, timeouts, hedging } = policies
  if (retry === undefined && timeouts === undefined && hedging === undefined) return action
  const limits = timeouts?.spec
  const written = action.retryPolicy as RetryPolicyInit | undefined
  const retries = said.retries || retry === undefined ? written : declaredRetries(retry.spec)
  const perTryMs = durationMs(limits?.perTry)
  const timed =
    said.perTry || perTryMs === undefined || (retry?.spec.perTryTimeout !== undefined && !said.retries)
      ? retries
      : { numRetries: 0, ...retries, perTryTimeout: duration(perTryMs) }
  const { retryPolicy: _before, ...rest } = action
  return {
    ...rest,
    ...(timed === undefined ? {} : { retryPolicy: timed }),
    ...(limits === undefined ? {} : timeLimits(limits, said)),
    ...(hedging === undefined
      ? {}
      : {
          hedgePolicy: { hedgeOnPerTryTimeout: true },
          retryPolicy: {
            retryOn: 'connect-failure,refused-stream',
            ...timed,
            // The retries of every route are no more than hedges may be, unless somebody asked for more.
            numRetries: Math.max(
              said.retries || retry !== undefined ? (timed?.numRetries ?? 0) : 0,
              hedging.spec.attempts,
            ),
            perTryTimeout: duration(durationMs(hedging.spec.after)),
          },
        }),
  }
}

function timeLimits({ request, idle, maxStream, grpc }: TimeoutPolicySpec, said: Said): Partial<RouteActionInit> {
  const requestMs = durationMs(request)
  const idleMs = durationMs(idle)
  const streamMs = durationMs(maxStream)
  const reserveMs = durationMs(grpc?.reserve)
  const maxStreamDuration = {
    ...(streamMs === undefined ? {} : { maxStreamDuration: duration(streamMs) }),
    ...(grpc === undefined ? {} : { grpcTimeoutHeaderMax: duration(durationMs(grpc.max)) }),
    ...(reserveMs === undefined ? {} : { grpcTimeoutHeaderOffset: duration(reserveMs) }),
  }
  return {
    ...(said.timeout || requestMs === undefined ? {} : { timeout: duration(requestMs) }),
    ...(idleMs === undefined ? {} : { idleTimeout: duration(idleMs) }),
    ...(Object.keys(maxStreamDuration).length === 0 ? {} : { maxStreamDuration }),
  }
}

function declaredRetries(spec: RetryPolicySpec): RetryPolicyInit | undefined {
  const { attempts, retryOn, statusCodes = [], perTryTimeout, backoff, idempotency } = spec
  const policy = retryPolicy({
    attempts,
    retryOn: [...retryOn, ...statusCodes.map(String)].join(','),
    ...(perTryTimeout === undefined ? {} : { perTryTimeout }),
    ...(backoff === undefined ? {} : { backoff: backoff.base }),
  })
  if (policy === undefined) return undefined
  const baseMs = durationMs(backoff?.base)
  const maxMs = durationMs(backoff?.max)
  return {
    ...policy,
    ...(baseMs === undefined || maxMs === undefined
      ? {}
      : { retryBackOff: { baseInterval: duration(baseMs), maxInterval: duration(maxMs) } }),
    ...(idempotency === undefined ? {} : { retriableRequestHeaders: repeatable(idempotency) }),
  }
}

/** One of these must fit the request. */
function repeatable({
  methods,
  keyHeader,
}: NonNullable<RetryPolicySpec['idempotency']>): Init<typeof HeaderMatcherSchema>[] {
  return [
    ...methods.map((value): Init<typeof HeaderMatcherSchema> => {
      const matcher = { matchPattern: { case: 'exact' as const, value } }
      return { name: ':method', headerMatchSpecifier: { case: 'stringMatch', value: matcher } }
    }),
    ...(keyHeader === undefined
      ? []
      : [
          {
            name: keyHeader.toLowerCase(),
            headerMatchSpecifier: { case: 'presentMatch' as const, value: true },
          },
        ]),
  ]
}
