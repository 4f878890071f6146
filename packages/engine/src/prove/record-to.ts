// A recorder of what decisions say about themselves.
import { chainLosers } from './chain-losers.ts'
import { policyLosers } from './policy-losers.ts'
import type { ProofStep, Recorder } from './proof.ts'
import { routeLosers } from './route-losers.ts'

const losers: Recorder['losers'] = { ofChains: chainLosers, ofPolicies: policyLosers, ofRoutes: routeLosers }

/** A recorder that hands each step to `step`. */
export function recordTo(step: (step: ProofStep) => unknown): Recorder {
  return { step: (one) => void step(one), losers }
}
