// A set of files to a set of objects, for commands that work offline: no history, so a bad object is simply left out.
import { objectKey } from '@weft/core'
import type { WrittenObject } from '../analyze/written-object.ts'
import type { MeshObject, Problem, SourceFile } from '../mesh-object.ts'
import type { DataPlane } from '../schema/describe-effect.ts'
import { byKey, Claims, duplicateObject } from './check-together.ts'
import { byPlace, parseFile } from './parse-file.ts'

/** Valid objects, sorted by key, and everything that is wrong with the others. */
export function loadFiles(
  files: readonly SourceFile[],
  dataPlane: DataPlane = 'weft',
): {
  readonly objects: readonly MeshObject[]
  readonly problems: readonly Problem[]
  /** Everything that was written, for analysis. */
  readonly written: readonly WrittenObject[]
} {
  const objects = new Map<string, MeshObject>()
  const problems: Problem[] = []
  const written: WrittenObject[] = []
  const claims = new Claims()
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const parsed = parseFile(file, 1, undefined, dataPlane)
    problems.push(...parsed.problems)
    written.push(...parsed.written)
    for (const { object } of parsed.objects) {
      if (object === undefined) continue
      const key = objectKey(object.id)
      const first = objects.get(key)
      if (first === undefined) objects.set(key, object)
      else problems.push(duplicateObject(object.id, object, first.positionOf('')))
    }
  }
  // By key, so that it does not matter in which file a claim stands.
  const inForce = [...objects.values()].sort(byKey).filter((object) => {
    const conflicts = claims.claim(object)
    problems.push(...conflicts.map(({ problem }) => problem))
    return conflicts.length === 0
  })
  return { objects: inForce, problems: problems.sort(byPlace), written }
}
