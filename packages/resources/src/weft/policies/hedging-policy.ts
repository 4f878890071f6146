// The kind HedgingPolicy (weft.dev).
import { defineKind } from '../../kind-definition.ts'
import { byDefault, doc, integer, object, type Schema, text } from '../../schema/schema.ts'
import { policyTargets, withTargets } from './targets.ts'
import type { HedgingPolicySpec } from './types.ts'

const spec: Schema = object(
  {
    targetRefs: policyTargets('Whose requests are sent again while they are slow. They must be repeatable.'),
    after: doc('How long an answer may take before the next request is sent beside it.', text('positive-duration')),
    attempts: doc('Requests beside the first.', byDefault(1, integer(1, 10))),
  },
  { required: ['after'] },
)

/** Our own HedgingPolicy. */
export const hedgingPolicyKind = defineKind({
  kind: 'HedgingPolicy',
  versions: ['v1alpha1'],
  names: ['hedgingpolicies', 'hp'],
  description: 'Sends another request beside a slow one and takes the answer that comes first.',
  spec,
  withDefaults: withTargets<HedgingPolicySpec>,
})
