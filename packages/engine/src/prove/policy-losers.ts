// Why the policies before the deciding one did not match.
import type { RbacPolicies, RbacPolicy } from '../model.ts'
import type { Predicate } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import { type Admission, everywhere } from './everywhere.ts'
import { failedConditions } from './describe.ts'
import { implies } from './implies.ts'
import type { Loser } from './proof.ts'
import { type Solution, solve } from './satisfy.ts'
import { verdictOn } from './verdict-on.ts'
import type { WhereAsked } from './where-asked.ts'

/** What surrounds the rules of one filter. */
export interface PolicyPlace {
  /** Rules of filters before this one: their DENY policies decide first. */
  readonly earlier: readonly RbacPolicies[]
  /** Which requests they are asked about; undefined: all. */
  readonly where: WhereAsked | undefined
  /** Which connections they are asked about; absent: all. */
  readonly connections?: () => Admission
}

/** The policies before `chosen`, with what would make each the one that decides: no policy before it matches then. */
export function policyLosers(
  rules: RbacPolicies,
  subject: Subject,
  chosen: number,
  { earlier, where, connections: admissionOf }: PolicyPlace,
): readonly Loser[] {
  if (chosen === 0) return []
  const admission = admissionOf?.() ?? everywhere
  const denying = earlier.filter(({ action }) => action === 'deny').flatMap(({ policies }) => policies)
  return rules.policies.slice(0, chosen).map((policy, index) => {
    if (policy.possible !== undefined) return unknownLoser(policy, policy.possible.predicate, subject)
    const before = [...denying, ...rules.policies.slice(0, index)]
    // Another authority may lead to another workload, another path to another route, another server name to another chain: only when nothing
    // else helps.
    // A policy about another port may be asked there.
    const isElsewhere = solve([wholeOf(policy), admission.thisPort], subject).kind === 'none'
    const connections = isElsewhere ? [...admission.goals, negated(admission.thisPort)] : admission.goals
    const goals = connections.flatMap((connection) => {
      const goal = [wholeOf(policy), connection, ...before.map(notMatching)]
      const here = where === undefined ? goal : [where.onRoute, ...goal]
      return [[sameAuthority(subject), ...here], here, ...(where === undefined ? [] : [[where.inHost, ...goal]])]
    })
    const solution = firstFound(goals, subject, admission)
    return {
      name: policy.name,
      origins: policy.origin === undefined ? {} : { origin: policy.origin },
      failed: failedConditions(wholeOf(policy), subject),
      ...verdictOn(solution, () =>
        whyUnreachable(policy, before, subject, { where, admitted: connections.at(-1) ?? { op: 'always' } }),
      ),
    }
  })
}

/** It does not match, whatever its unknown conditions turn out to be; what would make it match is not known. */
function unknownLoser({ name, origin }: RbacPolicy, possible: Predicate, subject: Subject): Loser {
  const origins = origin === undefined ? {} : { origin }
  const failed = failedConditions(possible, subject)
  const undecided = 'it asks for more, which is not computed here'
  return { name, origins, failed, counterfactual: undefined, unreachable: undefined, undecided }
}

/** Of goals, each wider than the one before; that none can be met is known when the last cannot. */
function firstFound(goals: readonly (readonly Predicate[])[], subject: Subject, { admitted }: Admission): Solution {
  let last: Solution = { kind: 'unknown' }
  for (const goal of goals) {
    last = solve(goal, subject)
    if (last.kind !== 'changes') continue
    const changes = admitted(subject, last.changes)
    if (changes !== undefined) return { kind: 'changes', changes }
    last = { kind: 'unknown' }
  }
  return last
}

function sameAuthority({ head }: Subject): Predicate {
  const test = { is: 'exact', value: head.authority(), ignoreCase: false } as const
  return { op: 'test', attribute: { name: 'request.host' }, test, missingAsEmpty: true }
}

function wholeOf(policy: RbacPolicy): Predicate {
  return { op: 'and', all: [policy.permission.predicate, policy.principal.predicate] }
}

function notMatching(policy: RbacPolicy): Predicate {
  return negated(wholeOf(policy))
}

function negated(not: Predicate): Predicate {
  return { op: 'not', not }
}

function whyUnreachable(
  policy: RbacPolicy,
  before: readonly RbacPolicy[],
  subject: Subject,
  { where, admitted }: { readonly where: WhereAsked | undefined; readonly admitted: Predicate },
): string {
  const covering = before.find((one) => implies(wholeOf(policy), wholeOf(one)))
  if (covering !== undefined) return `shadowed by ${covering.name}`
  if (solve([wholeOf(policy)], subject).kind === 'none') return 'no request satisfies it'
  const asked = where === undefined ? [admitted] : [admitted, where.inHost]
  if (solve([...asked, wholeOf(policy)], subject).kind === 'none') return 'no request that is asked by it satisfies it'
  const names = before.filter((one) => solve([wholeOf(policy), wholeOf(one)], subject).kind !== 'none')
  return `shadowed by ${names.map(({ name }) => name).join(', ')} together`
}
