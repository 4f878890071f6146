// May this caller have a certificate for that id? A pure decision; attestation (is the token real, is the SVID valid)
// has happened before. Signing is the one privilege that makes all others, so everything not named here is denied.
import { parseSpiffeId } from './spiffe-id.ts'
import { agentId, SYSTEM_NAMESPACE, workloadOf } from './workload-id.ts'

/** Who asks, as the attestor proved it: by a one-time bootstrap token, by a valid SVID of ours, or not at all. */
export type AttestedCaller =
  | { readonly kind: 'token' }
  | { readonly kind: 'svid'; readonly id: string }
  | { readonly kind: 'none' }

/** What the decision may look at besides the caller. */
export interface SignPolicy {
  readonly trustDomain: string
  /** The ids of the workload instances on the agent's node: all that the node's delegation covers. */
  readonly hosted: ReadonlySet<string>
}

/** The decision and, when denied, why (for logs and the caller alike: it holds no secret). */
export type SignDecision = { readonly allow: true } | { readonly allow: false; readonly reason: string }

/** Decides over one signing request: `(attested caller, requested id) -> allow | deny(reason)`. */
export function authoriseSign(caller: AttestedCaller, requestedId: string, policy: SignPolicy): SignDecision {
  const requested = parseSpiffeId(requestedId)
  if (!requested.ok) return deny(`requested id is not a SPIFFE id: ${requested.error}`)
  if (requested.value.trustDomain !== policy.trustDomain) {
    return deny(`requested id is in trust domain ${requested.value.trustDomain}, this CA signs ${policy.trustDomain}`)
  }
  const name = workloadOf(requested.value)
  if (name === undefined) return deny('requested id has not the form /ns/<namespace>/sa/<service account>')
  const agent = agentId(policy.trustDomain)
  if (caller.kind === 'none') return deny('caller showed neither a bootstrap token nor a certificate')
  if (caller.kind === 'token') {
    return requestedId === agent ? { allow: true } : deny('a bootstrap token buys only the identity of the host agent')
  }
  if (caller.id === agent && requestedId === agent) return { allow: true }
  if (caller.id !== agent && caller.id !== requestedId) return deny(`${caller.id} may ask only for itself`)
  if (name.namespace === SYSTEM_NAMESPACE) return deny(`nobody may ask for an id in namespace ${SYSTEM_NAMESPACE}`)
  // Itself, too: a key that outlived its workload would otherwise be renewed for ever.
  if (!policy.hosted.has(requestedId)) {
    return deny(`no workload instance with the id ${requestedId} is registered on this node`)
  }
  return { allow: true }
}

function deny(reason: string): SignDecision {
  return { allow: false, reason }
}
