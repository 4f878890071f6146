// Schemas shared by the kinds of networking.istio.io.
import { exactlyOne, type Finding, list, mapOf, object, type Schema, text, word } from '../schema/schema.ts'

/** A StringMatch that must say something. */
export const stringMatch: Schema = object(
  { exact: text('no-nul'), prefix: text('not-empty'), regex: text('regex') },
  { check: exactlyOne(['exact', 'prefix', 'regex']) },
)

/** A StringMatch of which the empty form means: present. */
export const presenceMatch: Schema = object(
  { exact: text('no-nul'), prefix: text('not-empty'), regex: text('regex') },
  { check: exactlyOne(['exact', 'prefix', 'regex'], 0) },
)

/** Who sees the object: everyone (`*`) or its own namespace (`.`). */
export const exportTo: Schema = list(word(['*', '.']), { min: 1, check: checkExportTo })

function* checkExportTo(scopes: readonly string[]): Iterable<Finding> {
  if (scopes.length < 2) return
  yield { at: [1], code: 'conflicting-values', message: 'must be the only entry', mend: 'Write either "*" or ".".' }
}

/** Labels, as a map. */
export const labels: Schema = mapOf(text('label-value'), 'label-key')
