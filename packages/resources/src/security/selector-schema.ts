// How the kinds of security.istio.io and telemetry.istio.io select workloads.
import { targetReference } from '../networking/match-schema.ts'
import { doc, list, mapOf, object, refused, type Schema, text } from '../schema/schema.ts'

/** `selector.matchLabels`. */
export const selector: Schema = doc(
  'Workloads it applies to; without it all of the namespace, or of the mesh in the root namespace.',
  object(
    { matchLabels: doc('Labels that a workload must carry.', mapOf(text('label-value'), 'label-key')) },
    { unsupported: { matchExpressions: 'Write `matchLabels`.' } },
  ),
)

const noTargets = 'Select workloads with `selector`.'

/** `targetRef` and `targetRefs`, which a security kind refuses: not applied is not enforced. */
export const refusedTargets: Readonly<Record<string, Schema>> = {
  targetRef: doc('The Service or Gateway it applies to.', refused(noTargets, targetReference)),
  targetRefs: doc('The Services or Gateways it applies to.', refused(noTargets, list(targetReference, { max: 16 }))),
}
