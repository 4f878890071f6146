// The kind ServiceAccount (v1).
import { defineKind } from '../../kind-definition.ts'
import { boolean, context, list, object, openObject } from '../../schema/schema.ts'

/** Kubernetes' ServiceAccount: a name that workloads bear; the mesh reads nothing else of it. */
export const serviceAccountKind = defineKind({
  kind: 'ServiceAccount',
  versions: ['v1'],
  root: 'top',
  names: ['serviceaccounts', 'sa'],
  description: 'A name that workloads bear.',
  spec: object({
    secrets: context('Secrets that pods of the account may use.', list(openObject({}))),
    imagePullSecrets: context('Secrets for fetching images.', list(openObject({}))),
    automountServiceAccountToken: context('Whether pods get a token.', boolean),
  }),
  withDefaults: (spec) => spec,
})
