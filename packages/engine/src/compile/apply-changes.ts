// A new configuration from an old one and what changed.
import type { ActiveConfig, Cluster, Listener, RouteConfig } from '../model.ts'

/** Changed resources by name; undefined removes. */
export interface ConfigChanges {
  readonly listeners?: ReadonlyMap<string, Listener | undefined>
  readonly routeConfigs?: ReadonlyMap<string, RouteConfig | undefined>
  readonly clusters?: ReadonlyMap<string, Cluster | undefined>
}

/** Nothing configured yet. */
export const emptyConfig: ActiveConfig = Object.freeze({
  listeners: new Map(),
  routeConfigs: new Map(),
  clusters: new Map(),
})

/** The configuration after the changes; shares every value, and every map, that is not named. */
export function applyChanges(config: ActiveConfig, changes: ConfigChanges): ActiveConfig {
  return {
    listeners: changed(config.listeners, changes.listeners),
    routeConfigs: changed(config.routeConfigs, changes.routeConfigs),
    clusters: changed(config.clusters, changes.clusters),
  }
}

function changed<T>(
  map: ReadonlyMap<string, T>,
  changes: ReadonlyMap<string, T | undefined> | undefined,
): ReadonlyMap<string, T> {
  if (changes === undefined || changes.size === 0) return map
  const next = new Map(map)
  for (const [name, value] of changes) {
    if (value === undefined) next.delete(name)
    else next.set(name, value)
  }
  return next
}
