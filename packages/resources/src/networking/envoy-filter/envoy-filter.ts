// The kind EnvoyFilter (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { envoyFilterSchema } from './schema.ts'

/** Istio's EnvoyFilter. */
export const envoyFilterKind = defineKind({
  kind: 'EnvoyFilter',
  versions: ['v1alpha3'],
  spec: envoyFilterSchema,
  withDefaults: (spec) => spec,
})
