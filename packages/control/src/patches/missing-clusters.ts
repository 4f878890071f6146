// Clusters that patched routes send to and that a proxy does not have. Envoy takes such routes without a word and answers 503.
import type { Origin } from '@weft/core'
import { type ResourceTable, typeUrl } from '@weft/xds'
import type { RouteConfiguration } from '@weft/xds/es/envoy/config/route/v3/route'
import type {
  Route,
  RouteAction_RequestMirrorPolicy,
  VirtualHost,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import type { GeneratorProblem } from '../generators/generator.ts'
import type { BootstrapPatches } from './bootstrap-patches.ts'
import type { ReadyPatch } from './ready-patch.ts'

/** The clusters that the value of a patch sends requests to. */
export interface NamedClusters {
  readonly origin: Origin
  readonly names: readonly string[]
}

/** What each of the patches names; those that name none are left out. */
export function namedClusters(patches: readonly ReadyPatch[]): NamedClusters[] {
  return patches.flatMap(({ applyTo, value, origin }) => {
    if (value === undefined) return []
    const names = new Set<string>()
    if (applyTo === 'HTTP_ROUTE') ofRoute(value as Route, names)
    else if (applyTo === 'VIRTUAL_HOST') ofHost(value as VirtualHost, names)
    else if (applyTo === 'ROUTE_CONFIGURATION') {
      const { requestMirrorPolicies, virtualHosts } = value as RouteConfiguration
      ofMirrors(requestMirrorPolicies, names)
      for (const host of virtualHosts) ofHost(host, names)
    }
    return names.size === 0 ? [] : [{ origin, names: [...names] }]
  })
}

function ofHost({ routes, requestMirrorPolicies }: VirtualHost, names: Set<string>): void {
  ofMirrors(requestMirrorPolicies, names)
  for (const route of routes) ofRoute(route, names)
}

function ofRoute({ action }: Route, names: Set<string>): void {
  if (action.case !== 'route') return
  const { clusterSpecifier, requestMirrorPolicies } = action.value
  ofMirrors(requestMirrorPolicies, names)
  if (clusterSpecifier.case === 'cluster') add(clusterSpecifier.value, names)
  if (clusterSpecifier.case === 'weightedClusters') {
    for (const { name } of clusterSpecifier.value.clusters) add(name, names)
  }
}

function ofMirrors(mirrors: readonly RouteAction_RequestMirrorPolicy[], names: Set<string>): void {
  for (const { cluster } of mirrors) add(cluster, names)
}

/** Empty where a header of the request names the cluster. */
function add(name: string, names: Set<string>): void {
  if (name !== '') names.add(name)
}

/** What is missing in the table of a proxy after all patches, of those that changed something in it. */
export function missingClusters(
  named: readonly NamedClusters[],
  table: ResourceTable,
  bootstrap: BootstrapPatches,
): GeneratorProblem[] {
  if (named.length === 0) return []
  const clusters = new Set([...table.get(typeUrl.cluster).keys(), ...staticClusters(bootstrap)])
  const routes = [typeUrl.routeConfiguration, typeUrl.listener].flatMap((type) => [...table.get(type).values()])
  return named.flatMap(({ origin, names }) =>
    names
      .filter((name) => !clusters.has(name))
      .filter((name) => routes.some((each) => each.origin?.includes(origin) === true && holds(each.body, name)))
      .map((name) => ({
        origin,
        message: `sends to the cluster ${name}, which a proxy that it changes does not have: requests sent there are answered with 503. Name one that \`weft config\` shows under clusters, or add it by a patch with applyTo: CLUSTER`,
      })),
  )
}

/** Later patches may have named another. */
function holds(body: Uint8Array, name: string): boolean {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(name)
}

function staticClusters({ patches }: BootstrapPatches): string[] {
  return patches.flatMap(({ value }) => {
    const { clusters } = (value['static_resources'] ?? {}) as {
      readonly clusters?: readonly { readonly name?: string }[]
    }
    return (clusters ?? []).flatMap(({ name }) => name ?? [])
  })
}
