// Findings that somebody has looked at and does not want to see again: named by an annotation of the object, as Istio's tools read
// it, or on the command line.
import { objectKey } from '@weft/core'
import type { Problem } from '../mesh-object.ts'
import { codes } from './codes.ts'
import type { WrittenObject } from './written-object.ts'

/** Annotation with codes that are not told of this object, apart by commas; `*` for all. */
const suppressAnnotation = 'galley.istio.io/analyze-suppress'

/** A suppression: a code (`*` for any), and objects by `Kind name.namespace` with `*` as a wildcard. */
export interface Suppression {
  readonly code: string
  readonly object: string
}

/** Reads `CODE` or `CODE=Kind name.namespace`; undefined when it is neither. */
export function parseSuppression(text: string): Suppression | undefined {
  const [, code = '', object = '*'] = /^([A-Z]+\d{4}|\*)(?:=(.+))?$/.exec(text) ?? []
  return code === '' ? undefined : { code, object }
}

/** The findings that nobody suppressed. What validation refuses is always told: the object has no effect. */
export function withoutSuppressed(
  problems: readonly Problem[],
  written: readonly Pick<WrittenObject, 'id' | 'annotations'>[],
  suppressions: readonly Suppression[] = [],
): Problem[] {
  const annotated = new Map<string, ReadonlySet<string>>()
  for (const { id, annotations } of written) {
    const named = annotations[suppressAnnotation]
    if (named !== undefined) annotated.set(objectKey(id), new Set(named.split(',').map((code) => code.trim())))
  }
  return problems.filter((problem) => {
    const { code, objectId } = problem
    if (!Object.hasOwn(codes, code) || objectId === undefined) return true
    const own = annotated.get(objectKey(objectId))
    if (own !== undefined && (own.has('*') || own.has(code))) return false
    return !suppressions.some((one) => (one.code === '*' || one.code === code) && fits(one.object, problem))
  })
}

function fits(pattern: string, { objectId }: Problem): boolean {
  const name = `${objectId?.kind} ${objectId?.name}.${objectId?.namespace}`
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}
