// The kind RetryPolicy (weft.dev).
import { parseDurationMs } from '../../duration.ts'
import { setOf } from '../../gateway-api/references.ts'
import { defineKind } from '../../kind-definition.ts'
import { byDefault, doc, type Finding, integer, object, type Schema, text, word } from '../../schema/schema.ts'
import { policyTargets, withTargets } from './targets.ts'
import type { RetryPolicySpec } from './types.ts'

const failures = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]
const methods = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH']

const backoff = object(
  {
    base: doc('Time before the first retry, on average; it doubles each time.', text('positive-duration')),
    max: doc('Longest time before a retry; ten times `base` unless written.', text('positive-duration')),
  },
  { required: ['base'], check: checkBackoff },
)

const budget = object(
  {
    percent: doc('Retries in flight per hundred requests in flight.', integer(1, 100)),
    minConcurrency: doc('Retries in flight that are always allowed.', byDefault(3, integer(0, 1_000_000))),
  },
  { required: ['percent'] },
)

const idempotency = object({
  methods: doc(
    'Methods whose requests are repeated.',
    byDefault(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'], setOf(word(methods), { max: 8 })),
  ),
  keyHeader: doc('A header that makes any request repeatable, such as Idempotency-Key.', text('token-name')),
})

const spec: Schema = object(
  {
    targetRefs: policyTargets('What the retries are for; those of a route itself go first.'),
    attempts: doc('Retries after the first try.', byDefault(2, integer(0, 100))),
    retryOn: doc(
      'Failures after which a request is repeated.',
      byDefault(['connect-failure', 'refused-stream', 'unavailable', 'cancelled'], setOf(word(failures), { max: 12 })),
    ),
    statusCodes: doc('Statuses after which a request is repeated, too.', setOf(integer(400, 599), { max: 32 })),
    perTryTimeout: doc('How long one try may take.', text('positive-duration')),
    backoff: doc('Time between tries; 25ms unless written.', backoff),
    budget: doc('Share of the requests to a Service that may be retries.', budget),
    idempotency: doc(
      'Which requests may be repeated; all unless written, since writing a RetryPolicy declares them repeatable.',
      idempotency,
    ),
  },
  { check: checkPolicy },
)

function* checkBackoff({ base, max }: NonNullable<RetryPolicySpec['backoff']>): Iterable<Finding> {
  if (max === undefined || (parseDurationMs(max) ?? 0) >= (parseDurationMs(base) ?? 0)) return
  yield { at: ['max'], code: 'out-of-range', message: `${max} is less than base`, mend: 'Write at least `base`.' }
}

function* checkPolicy({ budget: share, targetRefs = [] }: Partial<RetryPolicySpec>): Iterable<Finding> {
  if (
    share === undefined ||
    (targetRefs.length > 0 &&
      targetRefs.every(({ kind, sectionName }) => kind === 'Service' && sectionName === undefined))
  ) {
    return
  }
  const message = 'is counted for whole Services, and a target is something else'
  yield { at: ['budget'], code: 'conflicting-fields', message, mend: 'Write a RetryPolicy of its own for Services.' }
}

/** Our own RetryPolicy. */
export const retryPolicyKind = defineKind({
  kind: 'RetryPolicy',
  versions: ['v1alpha1'],
  names: ['retrypolicies', 'rp'],
  description: 'How failed requests are repeated, for what does not say so itself.',
  spec,
  withDefaults: withTargets<RetryPolicySpec>,
})
