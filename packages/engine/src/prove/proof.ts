// What a decision can say about itself. A recorder handed to a decision makes it interpret the rules instead of running
// their closures, and tell why each earlier rule lost.
import type { Origins } from '../model.ts'
import type { chainLosers } from './chain-losers.ts'
import type { policyLosers } from './policy-losers.ts'
import type { routeLosers } from './route-losers.ts'

/** Receives the steps of decisions in the order they are taken. */
export interface Recorder {
  step(step: ProofStep): void
  /** What proves why rules lost. Handed in, since a proxy takes the same decisions and carries no proofs. */
  readonly losers: {
    readonly ofChains: typeof chainLosers
    readonly ofPolicies: typeof policyLosers
    readonly ofRoutes: typeof routeLosers
  }
}

/** One decision: what was chosen, what lost, and why. */
export interface ProofStep {
  readonly decision:
    | 'listener'
    | 'filter-chain'
    | 'identity'
    | 'authorization'
    | 'virtual-host'
    | 'route'
    | 'cluster'
    | 'endpoint'
    | 'cors'
    | 'mirror'
    | 'hedge'
    | 'redirect'
    | 'fault'
    | 'filter'
    | 'response'
  /** Name of what was chosen; undefined when nothing was. */
  readonly chosen: string | undefined
  /** One sentence for people. */
  readonly summary: string
  readonly origins: Origins
  /** Earlier candidates that did not match, in order. */
  readonly losers: readonly Loser[]
  /** Set where Envoy decides by what is not computed here: what follows holds if it lets the request on. */
  readonly undecided?: true
}

/** A rule that came before the chosen one and did not match. */
export interface Loser {
  readonly name: string
  readonly origins: Origins
  /** The conditions that failed, each with what was seen. */
  readonly failed: readonly FailedCondition[]
  /** Changes of the request that make this rule the chosen one; undefined when there are none. */
  readonly counterfactual: readonly RequestChange[] | undefined
  /** Why no request can reach it, when that is proved. */
  readonly unreachable: string | undefined
  /** Set when neither is known: what was looked for in vain. */
  readonly undecided?: string
}

/** A condition of a rule that was not met: `header x-user is exactly "jason"`, seen `undefined`. */
export interface FailedCondition {
  readonly condition: string
  readonly seen: string | undefined
}

/** One change of a request. `value` undefined removes. */
export interface RequestChange {
  readonly attribute: string
  readonly key?: string
  readonly value: string | undefined
  /** Further lines of the header, or further names of the peer: where no single one meets all conditions. */
  readonly more?: readonly string[]
}
