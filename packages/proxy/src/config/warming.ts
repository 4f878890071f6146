import type { ActiveConfig, Cluster, Listener, RouteConfig } from '@weft/engine'
import { type AcceptedResources, edsNameOf } from './accepted.ts'

/** What is not ours to hold, and the time. */
export interface WarmingInputs {
  /** True when the secret is there. */
  hasSecret(name: string): boolean
  /** True when the resource has waited this long for the item: it serves without. */
  overdue(lack: Lack): boolean
  /** True when a cluster that was taken away has been kept for the routes that still name it for long enough. */
  removalOverdue(cluster: string): boolean
}

/** A resource that was accepted but is not served yet, and the names it waits for. */
export interface Warming {
  readonly kind: 'listener' | 'route' | 'cluster'
  readonly name: string
  readonly waitsFor: readonly string[]
}

/** Something a resource names that is not there, and for how long that holds the resource back. */
export interface Lack {
  readonly kind: 'listener' | 'cluster'
  readonly name: string
  readonly item: string
  readonly limitMs: number
}

/** What to serve by, and what waits. `config` is the same object when nothing changed. */
export interface WarmingResult {
  readonly config: ActiveConfig
  readonly warming: readonly Warming[]
  /** What is waited for with a limit, and what is done without since the limit passed. */
  readonly lacks: readonly Lack[]
  /** Clusters taken away that active routes still name. */
  readonly lingering: readonly string[]
}

/** Waiting for a cluster's endpoints ends after this long (Envoy's default initial_fetch_timeout). */
const fetchTimeoutMs = 15_000

/**
 * Make-before-break: decides which accepted resources are ready to serve. A cluster waits for its endpoints and
 * secrets, a route configuration for the clusters it names that are themselves warming, a listener for its route
 * configurations and secrets; until then the previous version of each goes on serving (Envoy's warming). What may be done
 * without is waited for up to its limit: then a filter chain or cluster without its secret refuses connections, the others serve.
 */
export function settle(accepted: AcceptedResources, active: ActiveConfig, inputs: WarmingInputs): WarmingResult {
  const warming: Warming[] = []
  const lacks: Lack[] = []
  const ready = settleClusters(accepted, active, { inputs, warming, lacks })
  const routeConfigs = settleRoutes(accepted, active, ready, warming)
  const listeners = settleListeners(accepted, active, { ready, routeConfigs, inputs, warming, lacks })
  const lingering: string[] = []
  const clusters = withLingering(ready, active, { routeConfigs, listeners, inputs, lingering })
  const same =
    sameEntries(clusters, active.clusters) &&
    sameEntries(routeConfigs, active.routeConfigs) &&
    sameEntries(listeners, active.listeners)
  return { config: same ? active : { listeners, routeConfigs, clusters }, warming, lacks, lingering }
}

function settleClusters(
  accepted: AcceptedResources,
  active: ActiveConfig,
  { inputs, warming, lacks }: Settling,
): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>()
  for (const [name, { value }] of accepted.clusters) {
    const waitsFor = [...missingSecrets('cluster', name, value, { inputs, lacks })]
    const edsName = edsNameOf(value)
    if (edsName !== undefined && !accepted.endpoints.has(edsName)) {
      const lack: Lack = { kind: 'cluster', name, item: `endpoints ${edsName}`, limitMs: fetchTimeoutMs }
      lacks.push(lack)
      if (!inputs.overdue(lack)) waitsFor.push(lack.item)
    }
    const previous = active.clusters.get(name)
    if (waitsFor.length === 0) clusters.set(name, value)
    else if (previous !== undefined) clusters.set(name, previous)
    if (waitsFor.length > 0 && previous !== value) warming.push({ kind: 'cluster', name, waitsFor })
  }
  return clusters
}

/** What settling reads, and what it writes down. */
interface Settling {
  readonly inputs: WarmingInputs
  readonly warming: Warming[]
  readonly lacks: Lack[]
}

/** The secrets a resource still waits for; those that may be done without count as lacking. */
function missingSecrets(
  kind: Lack['kind'],
  name: string,
  value: Pick<Cluster | Listener, 'secretNames' | 'dispensableSecrets'>,
  { inputs, lacks }: Pick<Settling, 'inputs' | 'lacks'>,
): readonly string[] {
  const missing = value.secretNames.filter((secret) => !inputs.hasSecret(secret))
  if (missing.length === 0) return missing
  const awaited = missing.filter((secret) => {
    const dispensable = value.dispensableSecrets?.find((one) => one.name === secret)
    if (dispensable === undefined) return true
    const lack: Lack = { kind, name, item: `secret ${secret}`, limitMs: dispensable.afterMs }
    lacks.push(lack)
    return !inputs.overdue(lack)
  })
  return awaited.map((secret) => `secret ${secret}`)
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
  at: Settling & {
    readonly ready: ReadonlyMap<string, Cluster>
    readonly routeConfigs: Map<string, RouteConfig>
  },
): Map<string, Listener> {
  const listeners = new Map<string, Listener>()
  for (const [name, { value }] of accepted.listeners) {
    const previous = active.listeners.get(name)
    const waitsFor = [
      ...value.routeConfigNames.filter((route) => !at.routeConfigs.has(route)).map((route) => `routes ${route}`),
      ...missingSecrets('listener', name, value, at),
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
