// The kind Sidecar (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { sidecarSchema } from './schema.ts'
import type { SidecarSpec } from './types.ts'

/** Istio's Sidecar. */
export const sidecarKind = defineKind({
  kind: 'Sidecar',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: sidecarSchema,
  withDefaults: (spec) => spec as SidecarSpec,
})
