// Istio's Gateways, VirtualServices and DestinationRules as kinds of the Gateway API, as far as these can say the same.
import { ofKind } from '../kinds.ts'
import { type Conversion, type ConvertedObject, ConversionNotes, type NotExpressed } from './conversion.ts'
import { convertDestinationRule } from './istio-destination-rule.ts'
import { convertGateway } from './istio-gateway.ts'
import { convertVirtualService } from './istio-virtual-service.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { grantsFor } from './reference-grants.ts'

/** Converts the Istio objects of a mesh; the Services say which ports and subsets there are. */
export function convertIstio(mesh: MeshLookup): Conversion {
  const converted: ConvertedObject[] = []
  const notExpressed: NotExpressed[] = []
  for (const object of ofKind(mesh.objects, 'Gateway')) {
    converted.push(...convertGateway(object, new ConversionNotes(object, notExpressed)))
  }
  for (const object of ofKind(mesh.objects, 'VirtualService')) {
    converted.push(...convertVirtualService(object, mesh, new ConversionNotes(object, notExpressed)))
  }
  for (const object of ofKind(mesh.objects, 'DestinationRule')) {
    converted.push(...convertDestinationRule(object, mesh, new ConversionNotes(object, notExpressed)))
  }
  return { objects: [...converted, ...grantsFor(converted)], notExpressed }
}
