// Envoy's filter-chain-match algorithm as a list of steps. In a fixed order of attributes, only the chains with the most
// specific match stay; there is no way back to a less specific one.
import { inCidr, isLoopback } from '../match/cidr.ts'
import type { FilterChain, Listener } from '../model.ts'
import type { Cidr } from '../predicate.ts'
import type { ConnectionFacts } from '../request-head.ts'

/** One attribute: how specific a chain's match is (more is better), 0 when it asks nothing, undefined when it fails. */
export interface ChainStep {
  readonly name: string
  rank(chain: FilterChain, connection: ConnectionFacts): number | undefined
  /** What the chain asks for, and what the connection shows; for proofs. */
  wanted(chain: FilterChain): string
  seen(connection: ConnectionFacts): string
}

const cidrText = (ranges: readonly Cidr[]) => ranges.map((range) => range.text).join(', ')

/** The attributes in Envoy's order. */
export const chainSteps: readonly ChainStep[] = [
  {
    name: 'destination port',
    rank: ({ match }, c) =>
      match.destinationPort === undefined ? 0 : match.destinationPort === c.localPort ? 1 : undefined,
    wanted: ({ match }) => String(match.destinationPort),
    seen: (c) => String(c.localPort),
  },
  {
    name: 'destination address',
    rank: ({ match }, c) => rankCidrs(match.prefixRanges, c.localAddress),
    wanted: ({ match }) => cidrText(match.prefixRanges),
    seen: (c) => c.localAddress,
  },
  {
    name: 'server name (SNI)',
    rank: ({ match }, c) => rankServerName(match.serverNames, c.sni ?? ''),
    wanted: ({ match }) => match.serverNames.join(', '),
    seen: (c) => c.sni ?? 'none',
  },
  {
    name: 'transport protocol',
    rank: ({ match }, c) =>
      match.transportProtocol === '' ? 0 : match.transportProtocol === c.transportProtocol ? 1 : undefined,
    wanted: ({ match }) => match.transportProtocol,
    seen: (c) => c.transportProtocol,
  },
  {
    name: 'application protocol',
    rank: ({ match }, c) => rankApplicationProtocol(match.applicationProtocols, c.applicationProtocols),
    wanted: ({ match }) => match.applicationProtocols.join(', '),
    seen: (c) => c.applicationProtocols.join(', ') || 'none',
  },
  {
    name: 'direct source address',
    rank: ({ match }, c) => rankCidrs(match.directSourcePrefixRanges, c.direct?.address ?? c.remoteAddress),
    wanted: ({ match }) => cidrText(match.directSourcePrefixRanges),
    seen: (c) => c.direct?.address ?? c.remoteAddress,
  },
  {
    name: 'source type',
    rank: ({ match }, c) => {
      if (match.sourceType === 'any') return 0
      return isLocal(c) === (match.sourceType === 'same-ip-or-loopback') ? 1 : undefined
    },
    wanted: ({ match }) => match.sourceType,
    seen: (c) => (isLocal(c) ? 'same-ip-or-loopback' : 'external'),
  },
  {
    name: 'source address',
    rank: ({ match }, c) => rankCidrs(match.sourcePrefixRanges, c.remoteAddress),
    wanted: ({ match }) => cidrText(match.sourcePrefixRanges),
    seen: (c) => c.remoteAddress,
  },
  {
    name: 'source port',
    rank: ({ match }, c) =>
      match.sourcePorts.length === 0 ? 0 : match.sourcePorts.includes(c.remotePort) ? 1 : undefined,
    wanted: ({ match }) => match.sourcePorts.join(', '),
    seen: (c) => String(c.remotePort),
  },
]

/** The chain for a connection; undefined: the connection is closed. */
export function chooseChain(listener: Listener, connection: ConnectionFacts): FilterChain | undefined {
  let candidates = listener.filterChains
  for (const step of chainSteps) {
    if (candidates.length === 0) break
    candidates = mostSpecific(step, candidates, connection)
  }
  return candidates[0] ?? listener.defaultFilterChain
}

/** The name people know a chain by. */
export function chainName(chain: FilterChain): string {
  return chain.name || (chain.index < 0 ? 'default' : `filter_chains[${chain.index}]`)
}

/** The chains that are left after a step. */
export function mostSpecific(
  step: ChainStep,
  candidates: readonly FilterChain[],
  connection: ConnectionFacts,
): readonly FilterChain[] {
  let best = -1
  let kept: FilterChain[] = []
  for (const chain of candidates) {
    const rank = step.rank(chain, connection)
    if (rank === undefined || rank < best) continue
    if (rank > best) kept = []
    best = rank
    kept.push(chain)
  }
  return kept
}

/** Longest prefix wins; a chain without ranges is less specific than /0. */
function rankCidrs(ranges: readonly Cidr[], address: string): number | undefined {
  if (ranges.length === 0) return 0
  let best: number | undefined
  for (const range of ranges) {
    if (inCidr(range, address)) best = Math.max(best ?? 0, range.prefixLength + 1)
  }
  return best
}

/** Exact before `*.` wildcards, longer wildcards before shorter. */
function rankServerName(names: readonly string[], sni: string): number | undefined {
  if (names.length === 0) return 0
  let best: number | undefined
  for (const name of names) {
    if (name === sni && sni !== '') best = 1e6
    else if (name.startsWith('*.') && sni.endsWith(name.slice(1)) && sni.length > name.length - 1) {
      best = Math.max(best ?? 0, name.length)
    }
  }
  return best
}

/** The client's order of preference decides. */
function rankApplicationProtocol(wanted: readonly string[], offered: readonly string[]): number | undefined {
  if (wanted.length === 0) return 0
  const index = offered.findIndex((protocol) => wanted.includes(protocol))
  return index < 0 ? undefined : 1e6 - index
}

function isLocal(connection: ConnectionFacts): boolean {
  return isLoopback(connection.remoteAddress) || connection.remoteAddress === connection.localAddress
}
