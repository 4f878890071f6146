// Schema of XBackendTrafficPolicy.
import { parseDurationMs } from '../../duration.ts'
import { byDefault, doc, type Finding, integer, list, object, pending, type Schema, text } from '../../schema/schema.ts'
import { localReference, repeated } from '../references.ts'
import { sessionPersistence } from '../session-persistence-schema.ts'
import type { LocalReference } from '../types.ts'

const hourMs = 3_600_000

const retryConstraint = object({
  budget: doc(
    'Share of requests that may be retries.',
    byDefault(
      { percent: 20, interval: '10s' },
      object({
        percent: doc('Retries per hundred requests.', byDefault(20, integer(0, 100))),
        interval: doc(
          'Time over which requests are counted.',
          byDefault('10s', { ...text('gateway-duration'), 'x-check': within(1000) }),
        ),
      }),
    ),
  ),
  minRetryRate: doc(
    'Retries that are always allowed.',
    byDefault(
      { count: 10, interval: '1s' },
      object({
        count: doc('How many.', integer(1, 1_000_000)),
        interval: pending(
          'so many retries may be in flight, whatever the time',
          doc('In which time.', { ...text('gateway-duration'), 'x-check': within(1) }),
        ),
      }),
    ),
  ),
})

/** Schema of `spec`. */
export const xBackendTrafficPolicySchema: Schema = object(
  {
    targetRefs: doc(
      'Services that the policy is about.',
      list(localReference, {
        min: 1,
        max: 16,
        check: (refs: readonly LocalReference[]) =>
          repeated(refs, ({ group, kind, name }) => [group, kind, name], 'reference', ['name']),
      }),
    ),
    retryConstraint: doc('How many retries the backend is asked to bear.', retryConstraint),
    sessionPersistence,
  },
  { required: ['targetRefs'] },
)

/** A duration from so many milliseconds to an hour. */
function within(leastMs: number): (value: string) => Iterable<Finding> {
  return function* checkInterval(value) {
    const ms = parseDurationMs(value)
    if (ms === undefined || (ms >= leastMs && ms <= hourMs)) return
    const mend = `Write a duration from ${leastMs}ms to 1h.`
    yield { code: 'out-of-range', message: `${value} is not from ${leastMs}ms to 1h`, mend }
  }
}
