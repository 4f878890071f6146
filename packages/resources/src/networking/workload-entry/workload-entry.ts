// The kind WorkloadEntry (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { workloadEntrySchema } from './schema.ts'
import type { WorkloadEntrySpec } from './types.ts'

/** Istio's WorkloadEntry. */
export const workloadEntryKind = defineKind({
  kind: 'WorkloadEntry',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: workloadEntrySchema,
  withDefaults: (spec) => spec as WorkloadEntrySpec,
})
