// What lost at translation, as findings: only there it shows which of two rules for one thing is in force.
import { objectKey } from '@weft/core'
import type { Problem } from '@weft/resources'
import type { OfflineMesh } from './build-offline.ts'
import { parseOrigin } from './origin-parts.ts'

/** The losers of a translation, but those of objects and fields that `told` speaks of already. */
export function losersAsProblems(mesh: OfflineMesh, told: readonly Problem[]): Problem[] {
  const known = new Set(told.flatMap(({ objectId }) => (objectId === undefined ? [] : [objectKey(objectId)])))
  return mesh.losers.flatMap(({ origin, by, detail }) => {
    const { key, field, id } = parseOrigin(origin)
    if (id.kind === '' || known.has(key)) return []
    const winner = by === undefined ? undefined : mesh.sourceMap.positionOf(by)
    const where = winner === undefined ? '' : ` (${winner.file}:${winner.line})`
    return [
      {
        severity: 'warning' as const,
        code: 'WEFT0112',
        message: `has no effect: ${detail}${where}`,
        position: mesh.sourceMap.positionOf(origin),
        objectId: id,
        field,
        mend: 'Remove it, or remove or narrow the other.',
      },
    ]
  })
}
