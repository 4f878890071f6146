// The kind WorkloadGroup (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { workloadGroupSchema } from './schema.ts'
import type { WorkloadGroupSpec } from './types.ts'

/** Istio's WorkloadGroup. */
export const workloadGroupKind = defineKind({
  kind: 'WorkloadGroup',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: workloadGroupSchema,
  withDefaults: (spec) => ({
    metadata: (spec.metadata ?? {}) as WorkloadGroupSpec['metadata'],
    template: (spec.template ?? {}) as WorkloadGroupSpec['template'],
  }),
})
