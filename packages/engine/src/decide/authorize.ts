// RBAC: may this request, or connection, pass (Envoy's RoleBasedAccessControlEngineImpl).
import type { RbacPolicies, RbacPolicy } from '../model.ts'
import type { PolicyPlace } from '../prove/policy-losers.ts'
import type { Recorder } from '../prove/proof.ts'
import type { Subject } from '../request-head.ts'

/** The verdict. `policy`: the policy that matched; undefined when none did. */
export interface RbacVerdict {
  readonly allowed: boolean
  readonly policy: string | undefined
  /** What the shadow rules would have said; for metrics and logs only. */
  readonly shadow: { readonly allowed: boolean; readonly policy: string | undefined } | undefined
}

const nowhere: PolicyPlace = { earlier: [], where: undefined }

/** Decides one RBAC filter. Without rules everything passes; ALLOW rules without a policy deny everything. `place` is for the proof. */
export function authorize(
  rules: RbacPolicies | undefined,
  shadowRules: RbacPolicies | undefined,
  subject: Subject,
  recorder?: Recorder,
  place: PolicyPlace = nowhere,
): RbacVerdict {
  const shadow = shadowRules === undefined ? undefined : judge(shadowRules, subject)
  if (rules === undefined) return { allowed: true, policy: undefined, shadow }
  const { allowed, policy } = judge(rules, subject)
  const verdict: RbacVerdict = { allowed, policy, shadow }
  if (recorder !== undefined) record({ rules, place }, verdict, subject, recorder)
  return verdict
}

function judge(rules: RbacPolicies, subject: Subject): Omit<RbacVerdict, 'shadow'> {
  const matched = firstMatch(rules.policies, subject)
  const allowed = rules.action === 'log' || (rules.action === 'allow') === (matched !== undefined)
  return { allowed, policy: matched?.name }
}

function firstMatch(policies: readonly RbacPolicy[], subject: Subject): RbacPolicy | undefined {
  for (const policy of policies) {
    if (policy.permission.test(subject) && policy.principal.test(subject)) return policy
  }
  return undefined
}

interface Judged {
  readonly rules: RbacPolicies
  readonly place: PolicyPlace
}

function record({ rules, place }: Judged, verdict: RbacVerdict, subject: Subject, recorder: Recorder): void {
  const index = rules.policies.findIndex((policy) => policy.name === verdict.policy)
  const origin = rules.policies[index]?.origin
  const action = rules.action.toUpperCase()
  const why =
    verdict.policy === undefined ? `no ${action} policy matches` : `${action} policy ${verdict.policy} matches`
  recorder.step({
    decision: 'authorization',
    chosen: verdict.policy,
    summary: `${verdict.allowed ? 'allowed' : 'denied'}: ${why}`,
    origins: origin === undefined ? {} : { origin },
    losers: recorder.losers.ofPolicies(rules, subject, index < 0 ? rules.policies.length : index, place),
  })
}
