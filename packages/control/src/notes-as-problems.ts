// What translation has to say of what is written, as findings: only there it shows what becomes of it.
import { byPlace, type Problem } from '@weft/resources'
import type { OfflineMesh } from './build-offline.ts'
import { parseOrigin } from './origin-parts.ts'

/** The notes of a translation, but those of fields that `told` speaks of already. */
export function notesAsProblems(mesh: OfflineMesh, told: readonly Problem[]): Problem[] {
  const known = new Set(
    told.map(({ objectId: id, field }) => `${id?.group}/${id?.kind}/${id?.namespace}/${id?.name}#${field}`),
  )
  return mesh.generatorProblems
    .flatMap(({ origin, message }): Problem[] => {
      const { id, field } = parseOrigin(origin)
      if (known.has(`${id.group}/${id.kind}/${id.namespace}/${id.name}#${field}`)) return []
      const position = mesh.sourceMap.positionOf(origin)
      return [{ severity: 'warning', code: 'WEFT0113', position, objectId: id, field, ...withMend(message) }]
    })
    .sort(byPlace)
}

/** Many say in a sentence of its own what to write instead. */
function withMend(text: string): Pick<Problem, 'message' | 'mend'> {
  const [, message, mend] =
    /^(.*?)(?:\. |; |: )((?:Write|Add|Use|Correct|Declare|Give|Remove|Put|Send|Name|List)\b.*)$/is.exec(text) ?? []
  if (message === undefined || mend === undefined)
    return { message: text, mend: 'Change it, or leave it if that is meant.' }
  const sentence = `${mend.charAt(0).toUpperCase()}${mend.slice(1)}`
  return { message, mend: sentence.endsWith('.') ? sentence : `${sentence}.` }
}
