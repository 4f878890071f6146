// The kind Service (v1).
import { defineKind } from '../../kind-definition.ts'
import { serviceSchema } from './schema.ts'

/** Kubernetes' Service. */
export const serviceKind = defineKind({
  kind: 'Service',
  versions: ['v1'],
  spec: serviceSchema,
  withDefaults: (spec) => ({
    selector: (spec.selector ?? {}) as Readonly<Record<string, string>>,
    // Only TCP goes through the mesh.
    ports: (spec.ports ?? []).filter(isTcp).map((port) => ({
      name: port.name ?? '',
      port: port.port ?? 0,
      targetPort: port.targetPort ?? port.port ?? 0,
      protocol: 'TCP' as const,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    })),
    type: spec.type ?? 'ClusterIP',
    ...addressesOf(spec),
    ...(spec.externalName === undefined ? {} : { externalName: spec.externalName }),
    ...(spec.publishNotReadyAddresses === true ? { publishNotReadyAddresses: true } : {}),
  }),
})

function isTcp({ protocol }: { readonly protocol?: string | undefined }): boolean {
  return protocol === undefined || protocol === 'TCP'
}

/** A headless Service (`None`) has no address of its own. */
function addressesOf(spec: {
  readonly clusterIP?: string | undefined
  readonly clusterIPs?: readonly string[] | undefined
}): {
  readonly clusterIPs?: readonly string[]
} {
  const written = [...new Set([spec.clusterIP ?? '', ...(spec.clusterIPs ?? [])])]
  const clusterIPs = written.filter((address) => address !== '' && address !== 'None')
  return clusterIPs.length === 0 ? {} : { clusterIPs }
}
