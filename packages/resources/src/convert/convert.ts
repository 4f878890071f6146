// All conversions to the Gateway API (and, for access, to AuthorizationPolicy) of a directory.
import type { MeshObject } from '../mesh-object.ts'
import type { Conversion } from './conversion.ts'
import { convertIngress } from './ingress.ts'
import { convertIstio } from './istio.ts'
import { convertSmi } from './smi.ts'

/** What is converted. */
export type ConvertibleSource = 'smi' | 'ingress' | 'istio'

const conversions: Readonly<Record<ConvertibleSource, (objects: readonly MeshObject[]) => Conversion>> = {
  smi: convertSmi,
  ingress: convertIngress,
  istio: convertIstio,
}

/** Converts the objects of the given sources. */
export function convert(objects: readonly MeshObject[], sources: readonly ConvertibleSource[]): Conversion {
  const found = sources.map((source) => conversions[source](objects))
  return {
    objects: found.flatMap((each) => each.objects),
    notExpressed: found.flatMap((each) => each.notExpressed),
  }
}
