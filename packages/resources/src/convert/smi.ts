// SMI as other kinds: TrafficSplit as routes of the Gateway API inside the mesh, TrafficTarget as AuthorizationPolicies.
import { isKind } from '../kinds.ts'
import { type Conversion, type ConvertedObject, ConversionNotes, type NotExpressed } from './conversion.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { convertSplit } from './traffic-split.ts'
import { convertTarget } from './traffic-target.ts'

/** Converts the SMI objects of a mesh; the others say which Services and workloads there are. */
export function convertSmi(mesh: MeshLookup): Conversion {
  const converted: ConvertedObject[] = []
  const notExpressed: NotExpressed[] = []
  for (const object of mesh.objects) {
    const notes = new ConversionNotes(object, notExpressed)
    if (isKind(object, 'TrafficSplit')) converted.push(...convertSplit(object, mesh, notes))
    if (isKind(object, 'TrafficTarget')) converted.push(...convertTarget(object, mesh, notes))
  }
  return { objects: converted, notExpressed }
}
