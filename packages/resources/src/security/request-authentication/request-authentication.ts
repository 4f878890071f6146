// The kind RequestAuthentication (security.istio.io): enforced by Envoy, refused as a whole on Weft's own proxy.
import { defineKind } from '../../kind-definition.ts'
import { type Selection, selectionOf } from '../../networking/target-reference.ts'
import { requestAuthenticationSchema } from './schema.ts'
import type { JwtRule } from './types.ts'

/** Istio's RequestAuthentication. */
export const requestAuthenticationKind = defineKind({
  kind: 'RequestAuthentication',
  versions: ['v1', 'v1beta1'],
  spec: requestAuthenticationSchema,
  refusedOnWeft: 'JSON Web Tokens are not checked there; authorize callers by `principals` or `serviceAccounts`.',
  withDefaults: (spec) => ({
    ...selectionOf(spec as Selection),
    jwtRules: (spec.jwtRules ?? []).map(ruleDefaults),
  }),
})

/** The old spelling of `jwksUri` becomes today's. */
function ruleDefaults(written: object): JwtRule {
  const { jwks_uri: older, ...rule } = written as JwtRule & { readonly jwks_uri?: string }
  return older === undefined ? rule : { ...rule, jwksUri: rule.jwksUri ?? older }
}
