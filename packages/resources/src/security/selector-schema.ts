// The workload selector of the kinds of security.istio.io.
import { mapOf, object, type Schema, text } from '../schema/schema.ts'

/** `selector.matchLabels`. */
export const selector: Schema = object(
  { matchLabels: mapOf(text('label-value'), 'label-key') },
  { unsupported: { matchExpressions: 'Write `matchLabels`.' } },
)
