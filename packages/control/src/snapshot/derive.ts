// Written objects with those that follow from them (SMI, Ingress), before the snapshot is made.
import { originOf } from '@weft/core'
import { deriveObjects, type MeshObject } from '@weft/resources'
import type { GeneratorProblem } from '../generators/generator.ts'

/** All objects that the snapshot holds, and what of the written ones has no effect. */
export function withDerived(objects: readonly MeshObject[]): {
  readonly objects: readonly MeshObject[]
  readonly problems: readonly GeneratorProblem[]
} {
  const derived = deriveObjects(objects)
  const problems = derived.notExpressed.map(({ id, field, message, mend }) => ({
    origin: originOf(id, field),
    message: `${message}. ${mend}`,
  }))
  return { objects: derived.objects.length === 0 ? objects : [...objects, ...derived.objects], problems }
}
