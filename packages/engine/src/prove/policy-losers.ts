// Why the policies before the deciding one did not match.
import type { RbacPolicies } from '../model.ts'
import type { Subject } from '../request-head.ts'
import { failedConditions } from './describe.ts'
import type { Loser } from './proof.ts'
import { satisfy } from './satisfy.ts'

/** The policies before `chosen`, with what would make each match first. */
export function policyLosers(rules: RbacPolicies, subject: Subject, chosen: number): readonly Loser[] {
  return rules.policies.slice(0, chosen).map((policy) => {
    const whole = { op: 'and', all: [policy.permission.predicate, policy.principal.predicate] } as const
    const counterfactual = satisfy([whole.all[0], whole.all[1]], subject)
    return {
      name: policy.name,
      origins: policy.origin === undefined ? {} : { origin: policy.origin },
      failed: failedConditions(whole, subject),
      counterfactual,
      unreachable: counterfactual === undefined ? 'no request that satisfies it was found' : undefined,
    }
  })
}
