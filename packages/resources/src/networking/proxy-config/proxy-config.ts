// The kind ProxyConfig (networking.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { proxyConfigSchema } from './schema.ts'
import type { ProxyConfigSpec } from './types.ts'

/** Istio's ProxyConfig. */
export const proxyConfigKind = defineKind({
  kind: 'ProxyConfig',
  versions: ['v1', 'v1beta1'],
  spec: proxyConfigSchema,
  shownBy: 'resources/src/plan/proxy-settings.test.ts, tests/e2e/hot-restart.test.ts',
  withDefaults: (spec) => spec as ProxyConfigSpec,
})
