// The kind ProxyConfig (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { proxyConfigSchema } from './schema.ts'

/** Istio's ProxyConfig. */
export const proxyConfigKind = defineKind({
  kind: 'ProxyConfig',
  versions: ['v1', 'v1beta1'],
  spec: proxyConfigSchema,
  withDefaults: (spec) => spec,
})
