// The kind WasmPlugin (extensions.istio.io).
import { defineKind } from '../../kind-definition.ts'
import type { WasmPluginSpec } from './types.ts'
import { wasmPluginSchema } from './schema.ts'

/** Istio's WasmPlugin. */
export const wasmPluginKind = defineKind({
  kind: 'WasmPlugin',
  versions: ['v1alpha1'],
  spec: wasmPluginSchema,
  withDefaults: (spec) => ({
    phase: 'UNSPECIFIED_PHASE',
    priority: 0,
    ...(spec as Partial<WasmPluginSpec>),
    url: spec.url ?? '',
  }),
})
