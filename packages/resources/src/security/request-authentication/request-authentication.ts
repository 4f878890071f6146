// The kind RequestAuthentication (security.istio.io): known in full, and refused as a whole while no token is checked.
import { defineKind } from '../../kind-definition.ts'
import { requestAuthenticationSchema } from './schema.ts'

/** Istio's RequestAuthentication. */
export const requestAuthenticationKind = defineKind({
  kind: 'RequestAuthentication',
  versions: ['v1', 'v1beta1'],
  spec: requestAuthenticationSchema,
  refused: 'JSON Web Tokens are not checked yet; authorize callers by `principals` or `serviceAccounts`.',
  withDefaults: (spec) => spec,
})
