// Copies of requests, however they are written.
import type { HttpMirror, HttpRoute } from './types.ts'

/** The mirrors of a rule, in either form. */
export function mirrorsOf({ mirror, mirrorPercentage, mirrors = [] }: HttpRoute): readonly HttpMirror[] {
  if (mirror === undefined) return mirrors
  return [{ destination: mirror, percentage: mirrorPercentage ?? { value: 100 } }, ...mirrors]
}
