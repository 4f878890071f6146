// The kind TimeoutPolicy (weft.dev).
import { defineKind } from '../../kind-definition.ts'
import { doc, type Finding, object, type Schema, text } from '../../schema/schema.ts'
import { policyTargets, withTargets } from './targets.ts'
import type { TimeoutPolicySpec } from './types.ts'

const grpc = object(
  {
    max: doc('Longest deadline that a caller may ask for in `grpc-timeout`.', text('positive-duration')),
    reserve: doc('Taken off the deadline, so that the answer still reaches the caller.', text('positive-duration')),
  },
  { required: ['max'] },
)

const spec: Schema = object(
  {
    targetRefs: policyTargets('What the limits are for; those of a route itself go first.'),
    request: doc('From the end of the request to the end of the answer, retries included.', text('positive-duration')),
    perTry: doc('How long one try may take.', text('positive-duration')),
    idle: doc('How long nothing may move on a stream; five minutes unless written.', text('positive-duration')),
    maxStream: doc('How long a stream may last, whatever moves on it.', text('positive-duration')),
    grpc: doc('Deadlines that callers of gRPC name; they are passed on.', grpc),
  },
  { check: checkLimits },
)

function* checkLimits({ targetRefs: _targets, ...limits }: Partial<TimeoutPolicySpec>): Iterable<Finding> {
  if (Object.keys(limits).length > 0) return
  const mend = 'Add one of request, perTry, idle, maxStream, grpc.'
  yield { code: 'missing-field', message: 'limits nothing', mend }
}

/** Our own TimeoutPolicy. */
export const timeoutPolicyKind = defineKind({
  kind: 'TimeoutPolicy',
  versions: ['v1alpha1'],
  names: ['timeoutpolicies', 'tp'],
  description: 'How long requests may take, for what does not say so itself.',
  spec,
  withDefaults: withTargets<TimeoutPolicySpec>,
})
