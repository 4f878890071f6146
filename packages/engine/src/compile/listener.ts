// envoy.config.listener.v3.Listener.
import type { Result } from '@weft/core'
import * as lean from '@weft/xds/lean'
import type { FilterChain, ListenAddress, Listener, ListenerSniffing } from '../model.ts'
import { compileAccessLogs } from './access-log.ts'
import { compileFilterChain } from './filter-chain.ts'
import { originsOf } from './metadata.ts'
import {
  attempt,
  type CompileError,
  type CompileOptions,
  type Context,
  newContext,
  readPart,
  refuse,
} from './refusal.ts'

/** Compiles the bytes of a Listener; errors name the field. */
export function compileListener(bytes: Uint8Array, options: CompileOptions): Result<Listener, CompileError> {
  return attempt(() => {
    const context = newContext(options)
    return compileDecoded(context, readPart(context, '', lean.readListener, bytes))
  })
}

function compileDecoded(context: Context, listener: lean.Listener): Listener {
  const filterChains = listener.filterChains.map((chain, index) =>
    compileFilterChain(context, `filter_chains[${index}]`, chain, index),
  )
  refuseTwins(filterChains)
  const fallback = listener.defaultFilterChain
  const defaultFilterChain =
    fallback === undefined ? undefined : compileFilterChain(context, 'default_filter_chain', fallback, -1)
  const chains = defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain]
  if (chains.length === 0) refuse('filter_chains', 'is empty')
  if (listener.transparent === true) context.unlisted.push('envoy.config.listener.v3.Listener.transparent')
  const address = listenAddress('address', listener.address, listener.internalListener !== undefined)
  return {
    name: listener.name,
    origins: originsOf(listener.metadata),
    unlisted: context.unlisted,
    address,
    additionalAddresses: listener.additionalAddresses.map((extra, index) =>
      listenAddress(`additional_addresses[${index}]`, extra.address, false),
    ),
    bindToPort: listener.bindToPort ?? true,
    useOriginalDst: listener.useOriginalDst ?? false,
    direction:
      ({ INBOUND: 'inbound', OUTBOUND: 'outbound' } as const)[listener.trafficDirection as 'INBOUND'] ?? 'unspecified',
    sniff: compileSniffing(context, listener),
    filterChains,
    defaultFilterChain,
    bufferLimitBytes: listener.perConnectionBufferLimitBytes ?? 1 << 20,
    statPrefix: listener.statPrefix || statPrefixOf(address),
    accessLogs: compileAccessLogs(context, 'access_log', listener.accessLog),
    ...dependenciesOf(chains),
  }
}

function listenAddress(at: string, address: lean.Address | undefined, internal: boolean): ListenAddress {
  if (internal) return { kind: 'internal' }
  const socket = address?.socketAddress
  if (socket === undefined) return refuse(at, 'is not a socket address')
  if (socket.protocol !== 'TCP') return refuse(`${at}.socket_address.protocol`, `${socket.protocol} is not supported`)
  if (socket.portValue === undefined) return refuse(`${at}.socket_address`, 'has no port_value')
  return { kind: 'socket', host: socket.address, port: socket.portValue }
}

function statPrefixOf(address: ListenAddress): string {
  return address.kind === 'internal' ? '' : `${address.host}_${address.port}`
}

function compileSniffing(context: Context, listener: lean.Listener): ListenerSniffing {
  const found = { tls: false, http: false, originalDst: false }
  for (const [index, filter] of listener.listenerFilters.entries()) {
    const at = `listener_filters[${index}].typed_config`
    const any = filter.typedConfig
    switch (any?.typeUrl) {
      case lean.typeUrls.TlsInspector:
        readPart(context, at, lean.readTlsInspector, any.value)
        found.tls = true
        break
      case lean.typeUrls.HttpInspector:
        found.http = true
        break
      case lean.typeUrls.OriginalDst:
        found.originalDst = true
        break
      default:
        refuse(at, `the listener filter "${filter.name}" (${any?.typeUrl ?? 'nothing'}) is not known`)
    }
  }
  return {
    ...found,
    timeoutMs: listener.listenerFiltersTimeout ?? 15_000,
    continueOnTimeout: listener.continueOnListenerFiltersTimeout,
  }
}

/** Two chains with the same match would make the choice depend on luck. */
function refuseTwins(chains: readonly FilterChain[]): void {
  const seen = new Map<string, number>()
  for (const { match, index } of chains) {
    const cidrs = (ranges: readonly { readonly text: string }[]) => ranges.map((range) => range.text).sort()
    const key = JSON.stringify([
      match.destinationPort,
      cidrs(match.prefixRanges),
      cidrs(match.directSourcePrefixRanges),
      match.sourceType,
      cidrs(match.sourcePrefixRanges),
      match.sourcePorts,
      match.serverNames,
      match.transportProtocol,
      match.applicationProtocols,
    ])
    const before = seen.get(key)
    if (before !== undefined)
      refuse(`filter_chains[${index}].filter_chain_match`, `equals that of filter_chains[${before}]`)
    seen.set(key, index)
  }
}

function dependenciesOf(
  chains: readonly FilterChain[],
): Pick<Listener, 'routeConfigNames' | 'secretNames' | 'clusterNames'> {
  const routeConfigNames = new Set<string>()
  const secretNames = new Set<string>()
  const clusterNames = new Set<string>()
  for (const { tls, terminal } of chains) {
    if (tls?.certificateSecret !== undefined) secretNames.add(tls.certificateSecret)
    if (tls?.rootsSecret !== undefined) secretNames.add(tls.rootsSecret)
    if (terminal.kind === 'tcp') for (const leg of terminal.clusters) clusterNames.add(leg.name)
    else if (terminal.routes.kind === 'rds') routeConfigNames.add(terminal.routes.name)
    else for (const name of terminal.routes.config.clusterNames) clusterNames.add(name)
  }
  return { routeConfigNames: [...routeConfigNames], secretNames: [...secretNames], clusterNames: [...clusterNames] }
}
