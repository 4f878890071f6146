// envoy.config.route.v3.RouteConfiguration.
import type { Result } from '@weft/core'
import * as lean from '@weft/xds/lean'
import { makeRule } from '../match/closure.ts'
import type { DomainIndex, MirrorPolicy, Route, RouteConfig, VirtualHost } from '../model.ts'
import { compileFilterOverrides } from './filter-override.ts'
import { compileHeaders } from './header-matcher.ts'
import { compileHeaderRules } from './header-rules.ts'
import { metadataOf, originsOf } from './metadata.ts'
import { compileMirrors } from './mirrors.ts'
import {
  attempt,
  type CompileError,
  type CompileOptions,
  type Context,
  newContext,
  readPart,
  refuse,
} from './refusal.ts'
import { compileRetryPolicy } from './retry-policy.ts'
import { compileDirect, compileRedirect, compileRouteAction, type Inherited } from './route-action.ts'
import { compileRouteMatch } from './route-match.ts'

/** Compiles the bytes of a RouteConfiguration; errors name the field. */
export function compileRouteConfig(bytes: Uint8Array, options: CompileOptions): Result<RouteConfig, CompileError> {
  return attempt(() => {
    const context = newContext(options)
    return compileRoutes(context, '', readPart(context, '', lean.readRouteConfiguration, bytes))
  })
}

/** Compiles a decoded RouteConfiguration; `at` is its place in an enclosing resource. */
export function compileRoutes(context: Context, at: string, config: lean.RouteConfiguration): RouteConfig {
  const dot = at === '' ? '' : `${at}.`
  const limit = config.maxDirectResponseBodySizeBytes ?? 4096
  const names = new Set<string>()
  const mirrors = compileMirrors(`${dot}request_mirror_policies`, config.requestMirrorPolicies, [])
  const virtualHosts = config.virtualHosts.map((host, index) => {
    const here = `${dot}virtual_hosts[${index}]`
    if (names.has(host.name)) refuse(`${here}.name`, `"${host.name}" is used twice`)
    names.add(host.name)
    return compileHost({ context, limit, mirrors }, here, host)
  })
  return {
    name: config.name,
    origins: originsOf(config.metadata),
    unlisted: context.unlisted,
    virtualHosts,
    domains: indexDomains(dot, virtualHosts),
    headers: compileHeaderRules(at, config),
    mostSpecificHeaderMutationsWins: config.mostSpecificHeaderMutationsWins,
    ignorePortInHostMatching: config.ignorePortInHostMatching,
    filterOverrides: compileFilterOverrides(context, `${dot}typed_per_filter_config`, config.typedPerFilterConfig),
    clusterNames: clusterNamesOf(virtualHosts),
    validateClusters: config.validateClusters ?? false,
    maxDirectResponseBodyBytes: limit,
  }
}

interface ConfigScope {
  readonly context: Context
  readonly limit: number
  readonly mirrors: readonly MirrorPolicy[]
}

function compileHost({ context, limit, mirrors: wider }: ConfigScope, at: string, host: lean.VirtualHost): VirtualHost {
  if (host.name === '') refuse(`${at}.name`, 'is empty')
  if (host.domains.length === 0) refuse(`${at}.domains`, 'is empty')
  const retryPolicy =
    host.retryPolicy === undefined ? undefined : compileRetryPolicy(context, `${at}.retry_policy`, host.retryPolicy)
  const compiled = {
    name: host.name,
    origins: originsOf(host.metadata),
    domains: host.domains,
    requireTls: ({ ALL: 'all', EXTERNAL_ONLY: 'external' } as const)[host.requireTls as 'ALL'] ?? 'none',
    headers: compileHeaderRules(at, host),
    filterOverrides: compileFilterOverrides(context, `${at}.typed_per_filter_config`, host.typedPerFilterConfig),
    retryPolicy,
    includeRequestAttemptCount: host.includeRequestAttemptCount,
    includeAttemptCountInResponse: host.includeAttemptCountInResponse,
    virtualClusters: host.virtualClusters.map((cluster, index) => ({
      name: cluster.name,
      rule: makeRule({
        op: 'and',
        all: compileHeaders(context, `${at}.virtual_clusters[${index}].headers`, cluster.headers),
      }),
    })),
  }
  const mirrors = compileMirrors(`${at}.request_mirror_policies`, host.requestMirrorPolicies, wider)
  const hedges = host.hedgePolicy?.hedgeOnPerTryTimeout === true
  const bufferLimitBytes = host.perRequestBufferLimitBytes
  const scope = { context, limit, inherited: { retryPolicy, mirrors, hedges }, bufferLimitBytes }
  return {
    ...compiled,
    routes: host.routes.map((route, index) => compileRoute(scope, `${at}.routes[${index}]`, route, index)),
  }
}

interface HostScope {
  readonly context: Context
  readonly limit: number
  readonly inherited: Inherited
  readonly bufferLimitBytes: number | undefined
}

function compileRoute(scope: HostScope, at: string, route: lean.Route, index: number): Route {
  const { context } = scope
  if (route.match === undefined) return refuse(`${at}.match`, 'is missing')
  const { path, predicate } = compileRouteMatch(context, `${at}.match`, route.match)
  const action = compileAction(scope, at, route)
  return {
    name: route.name,
    index,
    origins: originsOf(route.metadata),
    match: makeRule(predicate),
    pathMatch: path,
    action,
    headers: compileHeaderRules(at, route),
    filterOverrides: compileFilterOverrides(context, `${at}.typed_per_filter_config`, route.typedPerFilterConfig),
    metadata: metadataOf(route.metadata),
    decorator: route.decorator?.operation || undefined,
    statPrefix: route.statPrefix,
    requestBufferLimitBytes: route.perRequestBufferLimitBytes ?? scope.bufferLimitBytes,
  }
}

function compileAction(scope: HostScope, at: string, route: lean.Route): Route['action'] {
  const { context, limit, inherited } = scope
  if (route.route !== undefined) return compileRouteAction(context, `${at}.route`, route.route, inherited)
  if (route.redirect !== undefined) return compileRedirect(context, `${at}.redirect`, route.redirect)
  if (route.directResponse !== undefined) return compileDirect(`${at}.direct_response`, route.directResponse, limit)
  if (route.nonForwardingAction !== undefined) return { kind: 'non-forwarding' }
  return refuse(at, 'has no action')
}

/** Domains are compared in lower case; each may be claimed once. */
function indexDomains(dot: string, hosts: readonly VirtualHost[]): DomainIndex {
  const exact = new Map<string, VirtualHost>()
  const suffix = new Map<string, VirtualHost>()
  const prefix = new Map<string, VirtualHost>()
  const any = new Map<string, VirtualHost>()
  hosts.forEach((host, index) => {
    for (const written of host.domains) {
      const domain = written.toLowerCase()
      const [map, key] = placeOf(domain, { exact, suffix, prefix, any })
      const at = `${dot}virtual_hosts[${index}].domains`
      if (domain === '') refuse(at, 'holds an empty domain')
      if (map.has(key))
        refuse(at, `"${written}" is claimed by virtual host "${(map.get(key) as VirtualHost).name}" already`)
      map.set(key, host)
    }
  })
  return { exact, suffix: byLength(suffix), prefix: byLength(prefix), any: any.get('*') }
}

type DomainMaps = Readonly<Record<'exact' | 'suffix' | 'prefix' | 'any', Map<string, VirtualHost>>>

function placeOf(domain: string, maps: DomainMaps): readonly [Map<string, VirtualHost>, string] {
  if (domain === '*') return [maps.any, '*']
  if (domain.startsWith('*')) return [maps.suffix, domain.slice(1)]
  if (domain.endsWith('*')) return [maps.prefix, domain.slice(0, -1)]
  return [maps.exact, domain]
}

function byLength(hosts: Map<string, VirtualHost>): DomainIndex['suffix'] {
  const lengths = [...new Set([...hosts.keys()].map((key) => key.length))].sort((a, b) => b - a)
  return { lengths, hosts }
}

function clusterNamesOf(hosts: readonly VirtualHost[]): readonly string[] {
  const names = new Set<string>()
  for (const host of hosts) {
    for (const { action } of host.routes) {
      if (action.kind !== 'route') continue
      if (action.cluster.kind === 'name') names.add(action.cluster.name)
      if (action.cluster.kind === 'weighted')
        for (const leg of action.cluster.clusters) if (leg.name !== '') names.add(leg.name)
    }
  }
  return [...names]
}
