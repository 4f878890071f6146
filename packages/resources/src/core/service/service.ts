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
    ports: (spec.ports ?? []).map((port) => ({
      name: port.name ?? '',
      port: port.port ?? 0,
      targetPort: port.targetPort ?? port.port ?? 0,
      protocol: 'TCP' as const,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    })),
    type: 'ClusterIP',
  }),
})
