// All conversions to the Gateway API (and, for access, to AuthorizationPolicy) of a directory.
import type { MeshObject } from '../mesh-object.ts'
import type { Conversion } from './conversion.ts'
import { convertIngress } from './ingress.ts'
import { convertIstio } from './istio.ts'
import { MeshLookup } from './mesh-lookup.ts'
import { convertSmi } from './smi.ts'

/** What is converted. */
export type ConvertibleSource = 'smi' | 'ingress' | 'istio'

const conversions: Readonly<Record<ConvertibleSource, (mesh: MeshLookup) => Conversion>> = {
  smi: convertSmi,
  ingress: convertIngress,
  istio: convertIstio,
}

/** Converts the objects of the given sources. */
export function convert(objects: readonly MeshObject[], sources: readonly ConvertibleSource[]): Conversion {
  const mesh = new MeshLookup(objects)
  const found = sources.map((source) => conversions[source](mesh))
  return {
    objects: found.flatMap((each) => each.objects),
    notExpressed: found.flatMap((each) => each.notExpressed),
  }
}
