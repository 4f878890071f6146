import type { ActiveConfig, Cluster, Listener, RouteConfig } from '@weft/engine'
import { type AcceptedResources, edsNameOf } from './accepted.ts'

/** What is not ours to hold, and the time. */
export interface WarmingInputs {
  /** True when the secret is there. */
  hasSecret(name: string): boolean
  /** True when this cluster has waited too long for its endpoints, and for secrets that may be done without: it serves as it is. */
  clusterOverdue(cluster: string): boolean
  /** True when a cluster that was taken away has been kept for the routes that still name it for long enough. */
  removalOverdue(cluster: string): boolean
}

/** A resource that was accepted but is not served yet, and the names it waits for. */
export interface Warming {
  readonly kind: 'listener' | 'route' | 'cluster'
  readonly name: string
  readonly waitsFor: readonly string[]
}

/** What to serve by, and what waits. `config` is the same object when nothing changed. */
export interface WarmingResult {
  readonly config: ActiveConfig
  readonly warming: readonly Warming[]
  /** Clusters taken away that active routes still name. */
  readonly lingering: readonly string[]
}

/**
 * Make-before-break: decides which accepted resources are ready to serve. A cluster waits for its endpoints and
 * secrets, a route configuration for the clusters it names that are themselves warming, a listener for its route
 * configurations and secrets; until then the previous version of each goes on serving (Envoy's warming).
 */
export function settle(accepted: AcceptedResources, active: ActiveConfig, inputs: WarmingInputs): WarmingResult {
  const warming: Warming[] = []
  const ready = settleClusters(accepted, active, inputs, warming)
  const routeConfigs = settleRoutes(accepted, active, ready, warming)
  const listeners = settleListeners(accepted, active, { ready, routeConfigs, inputs, warming })
  const lingering: string[] = []
  const clusters = withLingering(ready, active, { routeConfigs, listeners, inputs, lingering })
  const same =
    sameEntries(clusters, active.clusters) &&
    sameEntries(routeConfigs, active.routeConfigs) &&
    sameEntries(listeners, active.listeners)
  return { config: same ? active : { listeners, routeConfigs, clusters }, warming, lingering }
}

function settleClusters(
  accepted: AcceptedResources,
  active: ActiveConfig,
  inputs: WarmingInputs,
  warming: Warming[],
): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>()
  for (const [name, { value }] of accepted.clusters) {
    const overdue = inputs.clusterOverdue(name)
    const missing = value.secretNames.filter(
      (secret) => !inputs.hasSecret(secret) && !(overdue && value.dispensableSecrets?.includes(secret) === true),
    )
    const waitsFor = missing.map((secret) => `secret ${secret}`)
    const edsName = edsNameOf(value)
    if (edsName !== undefined && !accepted.endpoints.has(edsName) && !overdue) {
      waitsFor.push(`endpoints ${edsName}`)
    }
    const previous = active.clusters.get(name)
    if (waitsFor.length === 0) clusters.set(name, value)
    else if (previous !== undefined) clusters.set(name, previous)
    if (waitsFor.length > 0 && previous !== value) warming.push({ kind: 'cluster', name, waitsFor })
  }
  return clusters
}

function settleRoutes(
  accepted: AcceptedResources,
  active: ActiveConfig,
  ready: ReadonlyMap<string, Cluster>,
  warming: Warming[],
): Map<string, RouteConfig> {
  const routeConfigs = new Map<string, RouteConfig>()
  for (const [name, { value }] of accepted.routeConfigs) {
    const previous = active.routeConfigs.get(name)
    // A cluster nobody knows is not waited for: requests to it are answered 503 NC, as the configuration says.
    const waitsFor = value.clusterNames.filter((cluster) => accepted.clusters.has(cluster) && !ready.has(cluster))
    if (waitsFor.length === 0 || previous === value) routeConfigs.set(name, value)
    else {
      if (previous !== undefined) routeConfigs.set(name, previous)
      warming.push({ kind: 'route', name, waitsFor })
    }
  }
  return routeConfigs
}

function settleListeners(
  accepted: AcceptedResources,
  active: ActiveConfig,
  at: {
    readonly ready: ReadonlyMap<string, Cluster>
    readonly routeConfigs: Map<string, RouteConfig>
    readonly inputs: WarmingInputs
    readonly warming: Warming[]
  },
): Map<string, Listener> {
  const listeners = new Map<string, Listener>()
  for (const [name, { value }] of accepted.listeners) {
    const previous = active.listeners.get(name)
    const waitsFor = [
      ...value.routeConfigNames.filter((route) => !at.routeConfigs.has(route)).map((route) => `routes ${route}`),
      ...value.secretNames.filter((secret) => !at.inputs.hasSecret(secret)).map((secret) => `secret ${secret}`),
      ...clusterNamesOf(value).filter((cluster) => accepted.clusters.has(cluster) && !at.ready.has(cluster)),
    ]
    if (waitsFor.length === 0 || previous === value) listeners.set(name, value)
    else {
      if (previous !== undefined) listeners.set(name, previous)
      at.warming.push({ kind: 'listener', name, waitsFor })
    }
  }
  // Route configurations that only a replaced listener still names stay until it is replaced.
  for (const listener of listeners.values()) {
    for (const route of listener.routeConfigNames) {
      const previous = active.routeConfigs.get(route)
      if (!at.routeConfigs.has(route) && previous !== undefined) at.routeConfigs.set(route, previous)
    }
  }
  return listeners
}

/** Clusters that were taken away stay for a while when something active still names them. */
function withLingering(
  ready: Map<string, Cluster>,
  active: ActiveConfig,
  at: {
    readonly routeConfigs: ReadonlyMap<string, RouteConfig>
    readonly listeners: ReadonlyMap<string, Listener>
    readonly inputs: WarmingInputs
    readonly lingering: string[]
  },
): Map<string, Cluster> {
  let named: Set<string> | undefined
  for (const [name, cluster] of active.clusters) {
    if (ready.has(name)) continue
    named ??= namedClusters(at.routeConfigs, at.listeners)
    if (!named.has(name) || at.inputs.removalOverdue(name)) continue
    ready.set(name, cluster)
    at.lingering.push(name)
  }
  return ready
}

function namedClusters(
  routeConfigs: ReadonlyMap<string, RouteConfig>,
  listeners: ReadonlyMap<string, Listener>,
): Set<string> {
  const names = new Set<string>()
  for (const routes of routeConfigs.values()) for (const name of routes.clusterNames) names.add(name)
  for (const listener of listeners.values()) for (const name of clusterNamesOf(listener)) names.add(name)
  return names
}

/** Clusters a listener names itself: by tcp_proxy, and by inline routes. */
function clusterNamesOf(listener: Listener): readonly string[] {
  const names = [...listener.clusterNames]
  const fallback = listener.defaultFilterChain
  for (const { terminal } of fallback === undefined ? listener.filterChains : [...listener.filterChains, fallback]) {
    if (terminal.kind === 'http' && terminal.routes.kind === 'inline')
      names.push(...terminal.routes.config.clusterNames)
  }
  return names
}

function sameEntries<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}
