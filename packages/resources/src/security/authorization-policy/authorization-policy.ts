// The kind AuthorizationPolicy (security.istio.io).
import { defineKind } from '../../kind-definition.ts'
import { type Selection, selectionOf } from '../../networking/target-reference.ts'
import { authorizationPolicySchema } from './schema.ts'
import type { AuthorizationPolicySpec } from './types.ts'

/** Istio's AuthorizationPolicy. */
export const authorizationPolicyKind = defineKind({
  kind: 'AuthorizationPolicy',
  versions: ['v1', 'v1beta1'],
  spec: authorizationPolicySchema,
  withDefaults: (spec) => ({
    ...selectionOf(spec as Selection),
    action: spec.action ?? 'ALLOW',
    ...(spec.provider?.name === undefined ? {} : { provider: { name: spec.provider.name } }),
    rules: (spec.rules ?? []) as AuthorizationPolicySpec['rules'],
  }),
})
