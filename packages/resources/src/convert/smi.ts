// SMI as other kinds: TrafficSplit as routes of the Gateway API inside the mesh, TrafficTarget as AuthorizationPolicies.
import { isKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import { type Conversion, type ConvertedObject, ConversionNotes, type NotExpressed } from './conversion.ts'
import { convertSplit } from './traffic-split.ts'
import { convertTarget } from './traffic-target.ts'

/** Converts the SMI objects among `objects`; the others say which Services and workloads there are. */
export function convertSmi(objects: readonly MeshObject[]): Conversion {
  const converted: ConvertedObject[] = []
  const notExpressed: NotExpressed[] = []
  for (const object of objects) {
    const notes = new ConversionNotes(object, notExpressed)
    if (isKind(object, 'TrafficSplit')) converted.push(...convertSplit(object, objects, notes))
    if (isKind(object, 'TrafficTarget')) converted.push(...convertTarget(object, objects, notes))
  }
  return { objects: converted, notExpressed }
}
