// The kind CircuitBreaker (weft.dev).
import { repeated } from '../../gateway-api/references.ts'
import type { LocalReference } from '../../gateway-api/types.ts'
import { defineKind } from '../../kind-definition.ts'
import { byDefault, doc, type Finding, integer, list, object, type Schema, text, word } from '../../schema/schema.ts'
import type { CircuitBreakerSpec } from './types.ts'

const count = integer(1, 2_147_483_647)

const target = object(
  {
    group: doc('API group; "" is that of Services.', byDefault('', word(['']))),
    kind: doc('Service.', byDefault('Service', word(['Service']))),
    name: doc('Name of a Service of the namespace.', text('dns-name')),
  },
  { required: ['name'] },
)

const ejection = object({
  consecutiveErrors: doc(
    'Answers of 500 and above in a row after which an endpoint is left out; 5 unless written.',
    integer(1, 10_000),
  ),
  interval: doc('How often endpoints are looked at; 10s unless written.', text('positive-duration')),
  baseTime: doc(
    'For how long an endpoint is left out, times how often it was; 30s unless written.',
    text('positive-duration'),
  ),
  maxPercent: doc(
    'Share of the endpoints that may be left out at a time, in percent; 10 unless written.',
    integer(0, 100),
  ),
})

const spec: Schema = object(
  {
    targetRefs: doc(
      'Services that the limits are for.',
      list(target, {
        min: 1,
        max: 16,
        check: (refs: readonly LocalReference[]) => repeated(refs, ({ name }) => name, 'Service', ['name']),
      }),
    ),
    maxConnections: doc('Connections of one proxy to all endpoints.', count),
    maxPendingRequests: doc('Requests of one proxy that wait for a connection.', count),
    maxRequests: doc('Requests of one proxy at a time.', count),
    maxRetries: doc('Retries of one proxy at a time.', count),
    ejection: doc('Leaves endpoints out for a while that fail.', ejection),
  },
  { required: ['targetRefs'], check: checkLimits },
)

function* checkLimits({ targetRefs: _targets, ...limits }: CircuitBreakerSpec): Iterable<Finding> {
  if (Object.keys(limits).length > 0) return
  const mend = 'Add one of maxConnections, maxPendingRequests, maxRequests, maxRetries, ejection.'
  yield { code: 'missing-field', message: 'limits nothing', mend }
}

/** Our own CircuitBreaker. */
export const circuitBreakerKind = defineKind({
  kind: 'CircuitBreaker',
  versions: ['v1alpha1'],
  names: ['circuitbreakers', 'cb'],
  description:
    'Limits towards Services, whichever kind of route leads there. A DestinationRule for the same Service stands back.',
  spec,
  withDefaults: (written) => written as CircuitBreakerSpec,
})
