// The kind EnvoyFilter (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { envoyFilterSchema } from './schema.ts'
import type { EnvoyFilterSpec } from './types.ts'

/** Istio's EnvoyFilter. */
export const envoyFilterKind = defineKind({
  kind: 'EnvoyFilter',
  versions: ['v1alpha3'],
  spec: envoyFilterSchema,
  withDefaults: (spec) => ({
    ...(spec as EnvoyFilterSpec),
    configPatches: (spec.configPatches ?? []) as EnvoyFilterSpec['configPatches'],
    priority: spec.priority ?? 0,
  }),
})
