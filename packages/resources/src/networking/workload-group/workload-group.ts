// The kind WorkloadGroup (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { workloadGroupSchema } from './schema.ts'
import type { WorkloadGroupSpec, WorkloadProbe } from './types.ts'

/** Istio's WorkloadGroup. */
export const workloadGroupKind = defineKind({
  kind: 'WorkloadGroup',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: workloadGroupSchema,
  withDefaults: (spec) => ({
    metadata: (spec.metadata ?? {}) as WorkloadGroupSpec['metadata'],
    template: (spec.template ?? {}) as WorkloadGroupSpec['template'],
    ...probeOf((spec as { readonly probe?: WrittenProbe }).probe),
  }),
})

interface WrittenProbe extends Partial<WorkloadProbe> {
  readonly exec?: object
}

/** Kubernetes' defaults; 0 means them too. A command is run by nobody, so it decides nothing. */
function probeOf(written: WrittenProbe | undefined): Pick<WorkloadGroupSpec, 'probe'> {
  const { httpGet, tcpSocket, grpc } = written ?? {}
  if (written === undefined || (httpGet === undefined && tcpSocket === undefined && grpc === undefined)) return {}
  return {
    probe: {
      initialDelaySeconds: written.initialDelaySeconds ?? 0,
      timeoutSeconds: written.timeoutSeconds || 1,
      periodSeconds: written.periodSeconds || 10,
      successThreshold: written.successThreshold || 1,
      failureThreshold: written.failureThreshold || 3,
      ...(httpGet === undefined ? {} : { httpGet }),
      ...(tcpSocket === undefined ? {} : { tcpSocket }),
      ...(grpc === undefined ? {} : { grpc }),
    },
  }
}
