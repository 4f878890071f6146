// The kind AuthorizationPolicy (security.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { authorizationPolicySchema } from './schema.ts'
import type { AuthorizationPolicySpec } from './types.ts'

/** Istio's AuthorizationPolicy. */
export const authorizationPolicyKind = defineKind({
  kind: 'AuthorizationPolicy',
  versions: ['v1', 'v1beta1'],
  spec: authorizationPolicySchema,
  withDefaults: (spec) => ({
    ...(spec.selector === undefined
      ? {}
      : { selector: { matchLabels: (spec.selector.matchLabels ?? {}) as Readonly<Record<string, string>> } }),
    action: spec.action ?? 'ALLOW',
    ...(spec.provider?.name === undefined ? {} : { provider: { name: spec.provider.name } }),
    rules: (spec.rules ?? []) as AuthorizationPolicySpec['rules'],
  }),
})
