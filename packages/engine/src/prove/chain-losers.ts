// Why the other filter chains of a listener do not serve a connection.
import { chainName, chainSteps, chooseChain } from '../decide/chain-steps.ts'
import type { FilterChain, Listener } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { Loser, RequestChange } from './proof.ts'

/** Every chain but the chosen one, with the first attribute it lost at. */
export function chainLosers(
  listener: Listener,
  connection: ConnectionFacts,
  chosen: FilterChain | undefined,
): readonly Loser[] {
  return listener.filterChains
    .filter((chain) => chain !== chosen)
    .map((chain) => {
      const step = chainSteps.find((one) => {
        const rank = one.rank(chain, connection)
        return (
          rank === undefined ||
          (chosen !== undefined && chosen.index >= 0 && rank < (one.rank(chosen, connection) ?? 0))
        )
      })
      const changes = changesFor(chain)
      const reached = chooseChain(listener, changed(connection, chain)) === chain
      return {
        name: chainName(chain),
        origins: chain.origins,
        failed:
          step === undefined
            ? []
            : [
                {
                  condition: `${step.name} ${step.wanted(chain) || 'any (less specific)'}`,
                  seen: step.seen(connection),
                },
              ],
        counterfactual: reached ? changes : undefined,
        unreachable: undefined,
        // One connection was tried, which is no proof.
        ...(reached ? {} : { undecided: 'a more specific chain took the connection that was made for it' }),
      }
    })
}

/** A connection made for the chain. */
function changed(connection: ConnectionFacts, { match }: FilterChain): ConnectionFacts {
  return {
    ...connection,
    localPort: match.destinationPort ?? connection.localPort,
    localAddress: match.prefixRanges[0]?.text.split('/')[0] ?? connection.localAddress,
    sni: match.serverNames[0]?.replace(/^\*/, 'x') ?? connection.sni,
    transportProtocol:
      match.transportProtocol === 'tls'
        ? 'tls'
        : match.transportProtocol === ''
          ? connection.transportProtocol
          : 'raw_buffer',
    applicationProtocols:
      match.applicationProtocols[0] === undefined ? connection.applicationProtocols : [match.applicationProtocols[0]],
    remoteAddress:
      (match.directSourcePrefixRanges[0] ?? match.sourcePrefixRanges[0])?.text.split('/')[0] ??
      connection.remoteAddress,
    remotePort: match.sourcePorts[0] ?? connection.remotePort,
  }
}

function changesFor({ match }: FilterChain): readonly RequestChange[] {
  const changes: RequestChange[] = []
  const add = (attribute: string, value: string | undefined) => {
    if (value !== undefined && value !== '') changes.push({ attribute, value })
  }
  add('destination.port', match.destinationPort?.toString())
  add('destination.address', match.prefixRanges[0]?.text.split('/')[0])
  add('connection.requested_server_name', match.serverNames[0]?.replace(/^\*/, 'x'))
  add('connection.transport_protocol', match.transportProtocol)
  add('connection.application_protocol', match.applicationProtocols[0])
  add('source.direct_address', (match.directSourcePrefixRanges[0] ?? match.sourcePrefixRanges[0])?.text.split('/')[0])
  add('source.port', match.sourcePorts[0]?.toString())
  return changes
}
