// Hosts that stand for all names under them (`resolution: DYNAMIC_DNS` of a wildcard): the proxy looks up the name that a request or a
// connection brings (`envoy.*.dynamic_forward_proxy`). Nothing but names under the wildcard is looked up, and no port but the host's is dialled:
// routes and chains that lead there are for such names alone.
import { originOf } from '@weft/core'
import { type ClientTls, hostCovers, targetPortOf } from '@weft/resources'
import { Cluster_DnsLookupFamily as DnsFamily } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RBAC_Action } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import type {
  HeaderMatcherSchema,
  RouteActionSchema,
  RouteSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { DnsCacheConfigSchema } from '@weft/xds/es/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache'
import {
  FilterConfigSchema as HttpLookupSchema,
  PerRouteConfigSchema as HttpLookupPerRouteSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { RBACSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { FilterConfigSchema as ServerNameLookupSchema } from '@weft/xds/es/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy'
import { isDynamic } from '../snapshot/mesh-hosts.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import type { GeneratorProblem } from './generator.ts'
import { outboundCluster, portKind, type Service, serviceHost } from './hosts.ts'
import type { Init } from './init.ts'
import type { TcpTarget } from './tcp-proxy.ts'

/** A cluster whose connections go to the server name they ask for. */
export interface DynamicTarget {
  /** Of the cluster: `outbound|443||*.example.com`; those of subsets end alike. */
  readonly cluster: string
  readonly host: string
  /** That is dialled. */
  readonly port: number
}

/** All of a mesh, by cluster. */
export function dynamicTargets(mesh: MeshQuery): readonly DynamicTarget[] {
  return mesh.dynamicHosts().flatMap((service) =>
    service.spec.ports.map((port) => ({
      cluster: outboundCluster(serviceHost(service), port.port),
      host: serviceHost(service),
      port: dialledPort(port),
    })),
  )
}

function dialledPort(port: Service['spec']['ports'][number]): number {
  return targetPortOf(port, []) ?? port.port
}

/** What is remembered of names: one cache for all hosts of a proxy, with limits that callers who make up names cannot move. */
export const dnsCache: Init<typeof DnsCacheConfigSchema> = {
  name: 'dynamic_dns',
  dnsLookupFamily: DnsFamily.V4_PREFERRED,
  // That a name leads nowhere is believed for a short time only.
  dnsFailureRefreshRate: { baseInterval: duration(5_000) },
}

/** Name of the filter, which is also the key of its per-route configuration. */
const lookupFilter = 'envoy.filters.http.dynamic_forward_proxy'

/** Looks up the host of requests to such clusters, and lets all others pass. */
export function httpLookup(): Init<typeof HttpFilterSchema> {
  const config = { implementationSpecifier: { case: 'dnsCacheConfig' as const, value: dnsCache } }
  return {
    name: lookupFilter,
    configType: { case: 'typedConfig', value: pack(HttpLookupSchema, config) },
  }
}

/** What stands in front of a tcp_proxy to these targets: only names under the wildcard get on, and are looked up. */
export function serverNameLookup(
  targets: readonly TcpTarget[],
  dynamic: readonly DynamicTarget[] = [],
): Init<typeof FilterSchema>[] {
  const found = targetOf(targets, dynamic)
  if (found === undefined) return []
  const suffix = { matchPattern: { case: 'suffix' as const, value: found.host.slice(1).toLowerCase() } }
  const rules = {
    action: RBAC_Action.ALLOW,
    policies: {
      [found.host]: {
        permissions: [{ rule: { case: 'requestedServerName' as const, value: suffix } }],
        principals: [{ identifier: { case: 'any' as const, value: true } }],
      },
    },
  }
  const lookup = { dnsCacheConfig: dnsCache, portSpecifier: { case: 'portValue' as const, value: found.port } }
  return [
    {
      name: 'envoy.filters.network.rbac',
      configType: { case: 'typedConfig', value: pack(RBACSchema, { rules, statPrefix: 'dynamic_hosts.' }) },
    },
    {
      name: 'envoy.filters.network.sni_dynamic_forward_proxy',
      configType: { case: 'typedConfig', value: pack(ServerNameLookupSchema, lookup) },
    },
  ]
}

/**
 * The server names of a chain that leads to these targets: of those wanted, the ones under the wildcard. A filter would come too late: proxies look
 * names up before they read. `names`: '*' and '' are all; undefined as well.
 */
export function namesToward(
  names: readonly string[] | undefined,
  targets: readonly TcpTarget[],
  dynamic: readonly DynamicTarget[] = [],
): readonly string[] | undefined {
  const found = targetOf(targets, dynamic)
  if (found === undefined) return names
  return (names ?? ['']).flatMap((name) => {
    if (name === '' || name === '*' || hostCovers(name, found.host)) return [found.host]
    return hostCovers(found.host, name) ? [name] : []
  })
}

function targetOf(targets: readonly TcpTarget[], dynamic: readonly DynamicTarget[]): DynamicTarget | undefined {
  return targets.flatMap(({ cluster }) => dynamic.find((one) => isOf(cluster, one)) ?? [])[0]
}

/** `outbound|<port>|<any subset>|<host>`. */
function isOf(cluster: string, { cluster: whole }: DynamicTarget): boolean {
  const [direction, port, , host] = cluster.split('|')
  return `${direction}|${port}||${host}` === whole
}

type RouteInit = Init<typeof RouteSchema>

/**
 * A route as it may be sent: one that leads to such a host matches names under it alone, at its port, or sends such a name in place of the
 * caller's.
 */
export function guarded(route: RouteInit, serviceAt: (host: string) => Service | undefined): RouteInit {
  const [names] = clustersOf(route).flatMap((cluster) => {
    const [, port, , host = ''] = cluster.split('|')
    const service = serviceAt(host)
    return service === undefined || !isDynamic(service) ? [] : namesUnder(service, Number(port))
  })
  if (names === undefined) return route
  const rewritten = rewrittenHost(route)
  if (rewritten !== undefined && new RegExp(`^${names}$`, 'i').test(rewritten)) {
    const specifier = { case: 'hostRewriteLiteral' as const, value: rewritten }
    const instead = pack(HttpLookupPerRouteSchema, { hostRewriteSpecifier: specifier })
    return { ...route, typedPerFilterConfig: { ...route.typedPerFilterConfig, [lookupFilter]: instead } }
  }
  const value = { matchPattern: { case: 'safeRegex' as const, value: { regex: `(?i)${names}` } } }
  const condition: Init<typeof HeaderMatcherSchema> = {
    name: ':authority',
    headerMatchSpecifier: { case: 'stringMatch', value },
  }
  const headers = [...(route.match?.headers ?? []), condition]
  return { ...route, match: { ...route.match, headers } as RouteInit['match'] }
}

/**
 * The authorities of names under a host. Without a port the proxy dials that of HTTP, or of HTTPS where it speaks TLS: only port 80 may be left
 * out, which callers do.
 */
function namesUnder(service: Service, port: number): string {
  const declared = service.spec.ports.find((one) => one.port === port)
  const ports = [...new Set([port, declared === undefined ? port : dialledPort(declared)])]
  const suffix = serviceHost(service).slice(1).replaceAll('.', String.raw`\.`)
  return `[^:]+${suffix}(${ports.map((each) => `:${each}`).join('|')})${port === 80 ? '?' : ''}`
}

function rewrittenHost({ action }: RouteInit): string | undefined {
  if (action?.case !== 'route') return undefined
  const { hostRewriteSpecifier } = action.value as Init<typeof RouteActionSchema>
  return hostRewriteSpecifier?.case === 'hostRewriteLiteral' ? hostRewriteSpecifier.value : undefined
}

function clustersOf({ action }: RouteInit): readonly string[] {
  if (action?.case !== 'route') return []
  const { clusterSpecifier } = action.value as { readonly clusterSpecifier?: ClusterSpecifier }
  if (clusterSpecifier?.case === 'cluster') return [clusterSpecifier.value]
  return clusterSpecifier?.case === 'weightedClusters'
    ? (clusterSpecifier.value.clusters ?? []).flatMap(({ name }) => name ?? [])
    : []
}

type ClusterSpecifier =
  | { readonly case: 'cluster'; readonly value: string }
  | { readonly case: 'weightedClusters'; readonly value: { readonly clusters?: readonly { readonly name?: string }[] } }
  | { readonly case: 'clusterHeader' | 'clusterSpecifierPlugin' | 'inlineClusterSpecifierPlugin' | undefined }

/** What is written of such a host and cannot be done: a name that callers bring leads to its own addresses, at its own port. */
export function dynamicProblems(
  service: Service,
  tlsOf: (port: number) => ClientTls | undefined,
): readonly GeneratorProblem[] {
  if (!isDynamic(service)) return []
  const host = serviceHost(service)
  const entry = originOf(service.id, '')
  const written = (service.spec.entry?.endpoints.length ?? 0) > 0 || Object.keys(service.spec.selector).length > 0
  const ports = service.spec.ports.flatMap((port, index) => {
    const [origin, tls] = [originOf(service.id, `spec.ports[${index}]`), tlsOf(port.port)]
    const originates = tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL'
    const http = portKind(port) === 'http'
    const dialled = dialledPort(port)
    const known = dialled === port.port || (http && originates && port.port === 80 && dialled === 443)
    return [
      ...(known
        ? []
        : [
            {
              origin,
              message: `port ${dialled} of ${host} is dialled only for TLS that is passed on by its server name: with resolution DYNAMIC_DNS everything else goes to the port that callers name. Write the port that they call as its number, and no targetPort`,
            },
          ]),
      ...(http || !originates
        ? []
        : [
            {
              origin,
              message: `calls of ${host}:${port.port} fail: TLS of mode ${tls.mode} needs a name to verify, and bytes that are not HTTP bring none. Declare the port as HTTP, or list the hosts by name`,
            },
          ]),
    ]
  })
  const unused = `endpoints and workloadSelector of ${host} are not used: with resolution DYNAMIC_DNS each name under a wildcard leads to its own addresses`
  return [...(written ? [{ origin: entry, message: unused }] : []), ...ports]
}
