// envoy.config.listener.v3.FilterChain: its match, its TLS, and its network filters up to the terminal one.
import * as lean from '@weft/xds/lean'
import type { FilterChain, FilterChainMatch, FormatTemplate, NetworkRbac, ServerNameLookup } from '../model.ts'
import { compileManager } from './http-connection-manager.ts'
import { originsOf } from './metadata.ts'
import { compileDnsCache } from './dns-cache.ts'
import { compileRbac, readRules } from './rbac.ts'
import { type Context, readPart, refuse } from './refusal.ts'
import { compileSetFilterState } from './set-filter-state.ts'
import { compileCidr } from './string-matcher.ts'
import { compileTcpProxy } from './tcp-proxy.ts'
import { compileDownstreamTls } from './tls-context.ts'
import { keptUnknown } from './unknown-filter.ts'

/** Handshakes that take longer are cut. Envoy waits for ever when the field is unset; a mesh proxy should not. */
const defaultHandshakeTimeoutMs = 15_000

/** One chain; `index` -1 is the default chain. */
export function compileFilterChain(outer: Context, at: string, chain: lean.FilterChain, index: number): FilterChain {
  const weft = chain.metadata?.filterMetadata.get('weft')
  const context: Context = { ...outer, policyOrigins: textRecord(weft?.['policies']) }
  return {
    name: chain.name,
    index,
    origins: originsOf(chain.metadata),
    match: compileMatch(`${at}.filter_chain_match`, chain.filterChainMatch),
    mtls: mtlsOf(weft?.['mtls']),
    tls: compileDownstreamTls(context, `${at}.transport_socket`, chain.transportSocket),
    handshakeTimeoutMs: chain.transportSocketConnectTimeout || defaultHandshakeTimeoutMs,
    ...compileNetworkFilters(context, `${at}.filters`, chain.filters),
  }
}

function textRecord(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}

function mtlsOf(value: unknown): FilterChain['mtls'] {
  const fields = textRecord(value)
  return fields?.['mode'] === undefined ? undefined : { mode: fields['mode'], origin: fields['origin'] }
}

function compileMatch(at: string, match: lean.FilterChainMatch | undefined): FilterChainMatch {
  const cidrs = (field: string, ranges: readonly lean.CidrRange[] = []) =>
    ranges.map((range, index) => compileCidr(`${at}.${field}[${index}]`, range))
  const sourceType = { SAME_IP_OR_LOOPBACK: 'same-ip-or-loopback', EXTERNAL: 'external' } as const
  return {
    destinationPort: match?.destinationPort,
    prefixRanges: cidrs('prefix_ranges', match?.prefixRanges),
    directSourcePrefixRanges: cidrs('direct_source_prefix_ranges', match?.directSourcePrefixRanges),
    sourceType: sourceType[match?.sourceType as 'EXTERNAL'] ?? 'any',
    sourcePrefixRanges: cidrs('source_prefix_ranges', match?.sourcePrefixRanges),
    sourcePorts: match?.sourcePorts ?? [],
    serverNames: (match?.serverNames ?? []).map((name, index) => serverName(`${at}.server_names[${index}]`, name)),
    transportProtocol: match?.transportProtocol ?? '',
    applicationProtocols: match?.applicationProtocols ?? [],
  }
}

function serverName(at: string, name: string): string {
  const lower = name.toLowerCase()
  if (lower.includes('*') && !/^\*\.[^*]+$/.test(lower))
    return refuse(at, `"${name}": only a leading "*." is a wildcard`)
  return lower
}

function compileNetworkFilters(
  context: Context,
  at: string,
  filters: readonly lean.NetworkFilter[],
): Pick<FilterChain, 'rbac' | 'unknown' | 'terminal'> {
  const rbac: NetworkRbac[] = []
  const unknown: NonNullable<FilterChain['unknown']>[number][] = []
  let upstreamNames: FormatTemplate | undefined
  let lookup: ServerNameLookup | undefined
  for (const [index, filter] of filters.entries()) {
    const where = `${at}[${index}].typed_config`
    const any = filter.typedConfig
    const last = index === filters.length - 1
    switch (any?.typeUrl) {
      case lean.typeUrls.NetworkRBAC:
        rbac.push(compileNetworkRbac(context, where, any.value))
        break
      case lean.typeUrls.NetworkSetFilterState:
        if (upstreamNames !== undefined)
          return refuse(`${at}[${index}]`, 'a second filter of this kind is not supported')
        upstreamNames = compileSetFilterState(where, any.value)
        break
      case lean.typeUrls.SniDynamicForwardProxy:
        lookup = compileLookup(context, where, any.value)
        break
      case lean.typeUrls.HttpConnectionManager: {
        if (lookup !== undefined)
          return refuse(`${at}[${index}]`, 'sni_dynamic_forward_proxy is supported in front of tcp_proxy only')
        if (upstreamNames !== undefined)
          return refuse(`${at}[${index}]`, 'set_filter_state is supported in front of tcp_proxy only')
        if (!last) return refuse(`${at}[${index}]`, 'a terminal filter must come last')
        const hcm = readPart(context, where, lean.readHttpConnectionManager, any.value)
        return { rbac, ...unknownOf(unknown), terminal: compileManager(context, where, hcm) }
      }
      case lean.typeUrls.TcpProxy: {
        if (!last) return refuse(`${at}[${index}]`, 'a terminal filter must come last')
        const proxy = compileTcpProxy(context, where, readPart(context, where, lean.readTcpProxy, any.value))
        const more = {
          ...(upstreamNames === undefined ? {} : { upstreamNames }),
          ...(lookup === undefined ? {} : { resolvesServerName: lookup }),
        }
        return { rbac, ...unknownOf(unknown), terminal: { ...proxy, ...more } }
      }
      default:
        if (context.options.keepsUnknown !== undefined && !last) {
          const { name } = filter
          unknown.push({ name, ...keptUnknown(context, { name, type: any?.typeUrl }) })
          break
        }
        return refuse(where, `the network filter "${filter.name}" (${any?.typeUrl ?? 'nothing'}) is not known`)
    }
  }
  return refuse(at, 'has no terminal filter (http_connection_manager or tcp_proxy)')
}

function unknownOf(unknown: NonNullable<FilterChain['unknown']>): Pick<FilterChain, 'unknown'> {
  return unknown.length === 0 ? {} : { unknown }
}

function compileLookup(context: Context, at: string, bytes: Uint8Array): ServerNameLookup {
  const { dnsCacheConfig, portValue } = readPart(context, at, lean.readSniDynamicForwardProxy, bytes)
  if (portValue === undefined || portValue < 1 || portValue > 65_535)
    return refuse(`${at}.port_value`, 'must be between 1 and 65535')
  return { cache: compileDnsCache(context, `${at}.dns_cache_config`, dnsCacheConfig), port: portValue }
}

function compileNetworkRbac(context: Context, at: string, bytes: Uint8Array): NetworkRbac {
  const rbac = readRules(context, at, lean.readNetworkRBAC, bytes)
  if (rbac.enforcementType !== 'ONE_TIME_ON_FIRST_BYTE')
    refuse(`${at}.enforcement_type`, `${rbac.enforcementType} is not supported`)
  return {
    kind: 'rbac',
    statPrefix: rbac.statPrefix,
    rules: compileRbac(context, `${at}.rules`, rbac.rules),
    shadow: compileRbac(context, `${at}.shadow_rules`, rbac.shadowRules),
  }
}
