// The kind Sidecar (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { sidecarSchema } from './schema.ts'

/** Istio's Sidecar. */
export const sidecarKind = defineKind({
  kind: 'Sidecar',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: sidecarSchema,
  withDefaults: (spec) => spec,
})
