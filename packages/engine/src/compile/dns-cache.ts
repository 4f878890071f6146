// envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.
import * as lean from '@weft/xds/lean'
import type { DnsCache } from '../model.ts'
import { parseAddress } from '../match/cidr.ts'
import { type Context, readPart, refuse } from './refusal.ts'

// ALL races the families in Envoy; here the one that more machines reach comes first.
const families = {
  V4_ONLY: 'v4',
  V6_ONLY: 'v6',
  AUTO: 'v6-preferred',
  V4_PREFERRED: 'v4-preferred',
  ALL: 'v4-preferred',
} as const

/** A decoded DnsCacheConfig with Envoy's defaults. */
export function compileDnsCache(context: Context, at: string, config: lean.DnsCacheConfig | undefined): DnsCache {
  if (config === undefined) return refuse(at, 'is missing')
  if (config.name === '') return refuse(`${at}.name`, 'is empty')
  const maxHosts = config.maxHosts ?? 1024
  if (maxHosts < 1) return refuse(`${at}.max_hosts`, 'must be at least 1')
  const refreshMs = config.dnsRefreshRate ?? 60_000
  return {
    name: config.name,
    family: families[config.dnsLookupFamily as keyof typeof families] ?? 'v6-preferred',
    refreshMs,
    minRefreshMs: config.dnsMinRefreshRate ?? 5_000,
    failureRefreshMs: config.dnsFailureRefreshRate?.baseInterval ?? refreshMs,
    hostTtlMs: config.hostTtl ?? 300_000,
    maxHosts,
    maxPending: config.dnsCacheCircuitBreaker?.maxPendingRequests ?? 1024,
    queryTimeoutMs: config.dnsQueryTimeout ?? 5_000,
    servers: serversOf(context, `${at}.typed_dns_resolver_config.typed_config`, config.typedDnsResolverConfig),
  }
}

function serversOf(context: Context, at: string, resolver: lean.TypedExtensionConfig | undefined): DnsCache['servers'] {
  const any = resolver?.typedConfig
  if (any === undefined) return []
  if (any.typeUrl !== lean.typeUrls.CaresDnsResolverConfig) {
    context.unlisted.push(`${at}: ${any.typeUrl}`)
    return []
  }
  const cares = readPart(context, at, lean.readCaresDnsResolverConfig, any.value)
  if (cares.useResolversAsFallback) return []
  return cares.resolvers.map(({ socketAddress }, index) => {
    const where = `${at}.resolvers[${index}].socket_address`
    if (socketAddress === undefined || parseAddress(socketAddress.address) === undefined)
      return refuse(`${where}.address`, 'is no IP address')
    return { address: socketAddress.address, port: socketAddress.portValue ?? 53 }
  })
}
