// What a proof says of a rule that lost: the change that makes it win, why there is none, or that neither is known.
import type { Loser } from './proof.ts'
import type { Solution } from './satisfy.ts'

/** That part of a loser. `why` is asked only where it is proved that nothing reaches it. */
export function verdictOn(
  solution: Solution,
  why: () => string,
): Pick<Loser, 'counterfactual' | 'unreachable' | 'undecided'> {
  if (solution.kind === 'changes') return { counterfactual: solution.changes, unreachable: undefined }
  const none = { counterfactual: undefined }
  if (solution.kind === 'none') return { ...none, unreachable: why() }
  return { ...none, unreachable: undefined, undecided: 'no request was found that reaches it, nor that none can' }
}
