// How the kinds of security.istio.io and telemetry.istio.io select workloads.
import { doc, mapOf, object, type Schema, text } from '../schema/schema.ts'

/** `selector.matchLabels`. */
export const selector: Schema = doc(
  'Workloads it applies to; without it all of the namespace, or of the mesh in the root namespace.',
  object(
    { matchLabels: doc('Labels that a workload must carry.', mapOf(text('label-value'), 'label-key')) },
    { unsupported: { matchExpressions: 'Write `matchLabels`.' } },
  ),
)
