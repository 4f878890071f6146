// Istio AuthorizationPolicy without the fields that need JSON Web Tokens.
import type { Selection } from '../../networking/target-reference.ts'

/** Who is asking; all members must hold, the values of one member are alternatives. */
export interface Source {
  readonly principals?: readonly string[]
  readonly notPrincipals?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly notNamespaces?: readonly string[]
  /** `name` (policy's namespace) or `namespace/name`. */
  readonly requestPrincipals?: readonly string[]
  readonly notRequestPrincipals?: readonly string[]
  readonly remoteIpBlocks?: readonly string[]
  readonly notRemoteIpBlocks?: readonly string[]
  readonly trustDomains?: readonly string[]
  readonly notTrustDomains?: readonly string[]
  readonly serviceAccounts?: readonly string[]
  readonly notServiceAccounts?: readonly string[]
  readonly ipBlocks?: readonly string[]
  readonly notIpBlocks?: readonly string[]
}

/** What is asked for; all members must hold. */
export interface Operation {
  readonly hosts?: readonly string[]
  readonly notHosts?: readonly string[]
  readonly ports?: readonly string[]
  readonly notPorts?: readonly string[]
  readonly methods?: readonly string[]
  readonly notMethods?: readonly string[]
  readonly paths?: readonly string[]
  readonly notPaths?: readonly string[]
}

/** The key of a condition on what a filter left in the metadata: its name, and the key below it. */
export const filterCondition = /^experimental\.(envoy\.filters\.[^[\]]+)\[([^[\]]+)\]$/

/** A condition on one attribute, for example `request.headers[x-user]`. */
export interface Condition {
  readonly key: string
  readonly values?: readonly string[]
  readonly notValues?: readonly string[]
}

/** Matches when some `from`, some `to` and every `when` match; absent members match everything. */
export interface Rule {
  readonly from?: readonly { readonly source: Source }[]
  readonly to?: readonly { readonly operation: Operation }[]
  readonly when?: readonly Condition[]
}

/** Spec of an AuthorizationPolicy. ALLOW without rules allows nothing; one empty rule matches everything. */
export interface AuthorizationPolicySpec extends Selection {
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM'
  /** Who decides, for CUSTOM: an `extensionProviders` entry of the mesh settings. */
  readonly provider?: { readonly name: string }
  readonly rules: readonly Rule[]
}
