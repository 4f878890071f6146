// Why the other filter chains of a listener do not serve a connection.
import { chainName, chainSteps } from '../decide/chain-steps.ts'
import type { FilterChain, Listener } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { type ChainConnection, connectionTo } from './chain-connections.ts'
import type { FailedCondition, Loser } from './proof.ts'
import { verdictOn } from './verdict-on.ts'

/** Every chain but the chosen one, with the first attribute it lost at. */
export function chainLosers(
  listener: Listener,
  connection: ConnectionFacts,
  chosen: FilterChain | undefined,
): readonly Loser[] {
  return listener.filterChains
    .filter((chain) => chain !== chosen)
    .map((chain) => {
      const found = connectionTo(listener, connection, chain)
      return {
        name: chainName(chain),
        origins: chain.origins,
        failed: failedAt(chain, chosen, connection),
        ...verdictOn(found, () => whyUnreachable(listener, connection, chain, found)),
      }
    })
}

function failedAt(
  chain: FilterChain,
  chosen: FilterChain | undefined,
  connection: ConnectionFacts,
): readonly FailedCondition[] {
  const step = chainSteps.find((one) => {
    const rank = one.rank(chain, connection)
    if (rank === undefined) return true
    return chosen !== undefined && chosen.index >= 0 && rank < (one.rank(chosen, connection) ?? 0)
  })
  if (step === undefined) return []
  const condition = `${step.name} ${step.wanted(chain) || 'any (less specific)'}`
  return [{ condition, seen: step.seen(connection) }]
}

function whyUnreachable(
  listener: Listener,
  connection: ConnectionFacts,
  chain: FilterChain,
  found: ChainConnection,
): string {
  const alone = connectionTo({ ...listener, filterChains: [chain] }, connection, chain)
  if (found.kind !== 'none' || found.takers.length === 0 || alone.kind === 'none') return 'no connection fits it'
  return `shadowed by ${found.takers.map(chainName).join(', ')}${found.takers.length > 1 ? ' together' : ''}`
}
