// envoy.config.listener.v3.Listener.
import type { Result } from '@weft/core'
import * as lean from '@weft/xds/lean'
import type { FilterChain, ListenAddress, Listener } from '../model.ts'
import { compileAccessLogs } from './access-log.ts'
import { compileFilterChain } from './filter-chain.ts'
import { compileSniffing } from './listener-filters.ts'
import { originsOf } from './metadata.ts'
import { compileMetrics } from './metrics.ts'
import {
  attempt,
  type CompileError,
  type CompileOptions,
  type Context,
  newContext,
  readPart,
  refuse,
} from './refusal.ts'
import { holdsKeys, secretsOf } from './tls-context.ts'
import { compileUdpProxy } from './udp-proxy.ts'

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
  if (listener.transparent === true) context.unlisted.push('envoy.config.listener.v3.Listener.transparent')
  const address = listenAddress('address', listener.address, listener.internalListener !== undefined)
  const udp = address.kind === 'udp' ? compileUdpProxy(context, listener) : undefined
  if (chains.length === 0 && udp === undefined) refuse('filter_chains', 'is empty')
  const additionalAddresses = listener.additionalAddresses.map((extra, index) => {
    const at = `additional_addresses[${index}]`
    const another = listenAddress(at, extra.address, false)
    return another.kind === address.kind ? another : refuse(at, 'has another protocol than the address')
  })
  const metrics = compileMetrics(listener.metadata)
  return {
    name: listener.name,
    origins: originsOf(listener.metadata),
    unlisted: context.unlisted,
    address,
    additionalAddresses,
    bindToPort: listener.bindToPort ?? true,
    useOriginalDst: listener.useOriginalDst ?? false,
    direction:
      ({ INBOUND: 'inbound', OUTBOUND: 'outbound' } as const)[listener.trafficDirection as 'INBOUND'] ?? 'unspecified',
    sniff: udp === undefined ? compileSniffing(context, listener) : noSniffing,
    ...(udp === undefined ? {} : { udp }),
    filterChains,
    defaultFilterChain,
    bufferLimitBytes: listener.perConnectionBufferLimitBytes ?? 1 << 20,
    statPrefix: listener.statPrefix || statPrefixOf(address),
    accessLogs: compileAccessLogs(context, 'access_log', listener.accessLog),
    ...(metrics === undefined ? {} : { metrics }),
    ...dependenciesOf(chains, udp),
    ...holdsKeys(chains.map(({ tls }) => tls)),
  }
}

/** Datagrams are not looked into. */
const noSniffing = { tls: false, http: false, originalDst: false, timeoutMs: 0, continueOnTimeout: false }

function listenAddress(at: string, address: lean.Address | undefined, internal: boolean): ListenAddress {
  if (internal) return { kind: 'internal' }
  const socket = address?.socketAddress
  if (socket === undefined) return refuse(at, 'is not a socket address')
  if (socket.portValue === undefined) return refuse(`${at}.socket_address`, 'has no port_value')
  const kind = ({ TCP: 'socket', UDP: 'udp' } as const)[socket.protocol as 'TCP']
  if (kind === undefined) return refuse(`${at}.socket_address.protocol`, `${socket.protocol} is not supported`)
  return { kind, host: socket.address, port: socket.portValue }
}

function statPrefixOf(address: ListenAddress): string {
  return address.kind === 'internal' ? '' : `${address.host}_${address.port}`
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
  udp: Listener['udp'],
): Pick<Listener, 'routeConfigNames' | 'secretNames' | 'dispensableSecrets' | 'clusterNames'> {
  const routeConfigNames = new Set<string>()
  const clusterNames = new Set<string>(udp === undefined ? [] : [udp.cluster])
  for (const { terminal } of chains) {
    if (terminal.kind === 'tcp') for (const leg of terminal.clusters) clusterNames.add(leg.name)
    else if (terminal.routes.kind === 'rds') routeConfigNames.add(terminal.routes.name)
    else for (const name of terminal.routes.config.clusterNames) clusterNames.add(name)
  }
  const secrets = secretsOf(chains.map(({ tls }) => tls))
  return { routeConfigNames: [...routeConfigNames], ...secrets, clusterNames: [...clusterNames] }
}
