// Filter chains for connections that are told apart by the server name they ask for, and by the addresses of their ends.
import type { TrafficPolicy } from '@weft/resources'
import type { FilterChainSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { matchOfNames, type MeshStreams, nameOfNames, type NamedStreams } from './gateway-api/mesh-streams.ts'
import { sniffTimeout, tlsInspector } from './inbound-chains.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { addressMatch, isForAll } from './routes/address-rules.ts'
import { armChains, type TcpArms } from './routes/tcp-routes.ts'
import { tcpFilters } from './tcp-proxy.ts'
import type { Telemetry } from './telemetry.ts'

type FilterChainInit = Init<typeof FilterChainSchema>

/** Looks for the server name; what says nothing for too long is taken as bytes. */
export const byNameFilters = {
  listenerFilters: [tlsInspector()],
  listenerFiltersTimeout: sniffTimeout,
  continueOnListenerFiltersTimeout: true,
}

/** The rules for connections to a port, where routes of the Gateway API (undefined: none is for it) stand before those of VirtualServices. */
export function withStreams(arms: TcpArms, streams: MeshStreams | undefined): TcpArms {
  return streams === undefined ? arms : { ...arms, arms: [], last: { ...arms.last, ...streams.rest } }
}

/** Chains for connections that ask for names. */
export function namedChains(
  named: readonly NamedStreams[],
  accessLog: Telemetry,
  policy?: TrafficPolicy,
): FilterChainInit[] {
  return named.map(({ names, targets, origin }) => ({
    name: nameOfNames(names),
    filterChainMatch: matchOfNames(names),
    metadata: weftMetadata({ origin }),
    filters: tcpFilters(targets, accessLog, policy),
  }))
}

/** All chains of a listener that is for one port of a host, and the filters that look at a connection before its chain is found. */
export function streamChains(
  ruled: TcpArms,
  streams: MeshStreams | undefined,
  accessLog: Telemetry,
): { readonly chains: readonly FilterChainInit[]; readonly sniffing: Partial<typeof byNameFilters> } {
  const named = streams?.named ?? []
  const byAddress = armChains(withStreams(ruled, streams)).map(
    ({ rule: { origin, targets, policy }, ...addresses }, index): FilterChainInit => ({
      name: isForAll(addresses) ? 'tcp' : `tcp-${index}`,
      ...(isForAll(addresses) ? {} : { filterChainMatch: addressMatch(addresses) }),
      metadata: weftMetadata({ origin }),
      filters: tcpFilters(targets, accessLog, policy),
    }),
  )
  return {
    chains: [...namedChains(named, accessLog, ruled.last.policy), ...byAddress],
    sniffing: named.length === 0 ? {} : byNameFilters,
  }
}
