// RBAC: may this request, or connection, pass (Envoy's RoleBasedAccessControlEngineImpl).
import type { RbacPolicies, RbacPolicy } from '../model.ts'
import { policyLosers, type PolicyPlace } from '../prove/policy-losers.ts'
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
  const verdict = judge(rules, subject)
  if (recorder !== undefined) record({ rules, place }, verdict, subject, recorder)
  return { allowed: verdict.allowed, policy: verdict.policy, shadow }
}

interface Judgement {
  readonly allowed: boolean
  readonly policy: string | undefined
}

function judge(rules: RbacPolicies, subject: Subject): Judgement {
  const matched = rules.policies.find((policy) => matches(policy, subject))
  const allowed = rules.action === 'log' || (rules.action === 'allow') === (matched !== undefined)
  return { allowed, policy: matched?.name }
}

function matches(policy: RbacPolicy, subject: Subject): boolean {
  return policy.permission.test(subject) && policy.principal.test(subject)
}

interface Judged {
  readonly rules: RbacPolicies
  readonly place: PolicyPlace
}

function record({ rules, place }: Judged, verdict: Judgement, subject: Subject, recorder: Recorder): void {
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
    losers: policyLosers(rules, subject, index < 0 ? rules.policies.length : index, place),
  })
}
