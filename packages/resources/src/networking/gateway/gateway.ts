// The kind Gateway (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { gatewaySchema } from './schema.ts'
import type { GatewaySpec } from './types.ts'

/** Istio's Gateway; it has no defaults. */
export const gatewayKind = defineKind({
  kind: 'Gateway',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: gatewaySchema,
  withDefaults: (spec) => spec as GatewaySpec,
})
