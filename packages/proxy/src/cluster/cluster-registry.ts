import type { ActiveConfig, Cluster, EndpointSet } from '@weft/engine'
import type { PoolContext } from '../pool/host-pool.ts'
import { ClusterState } from './cluster-state.ts'

/** What the registry needs from the proxy. */
export interface ClusterRegistryContext extends PoolContext {
  endpointsOf(edsName: string): EndpointSet | undefined
}

/** The living side of all clusters, by name; survives configuration swaps. */
export class ClusterRegistry {
  readonly #context: ClusterRegistryContext
  readonly #states = new Map<string, ClusterState>()

  constructor(context: ClusterRegistryContext) {
    this.#context = context
  }

  /**
   * The state of a cluster of the configuration an exchange began with. Undefined: that configuration has no such
   * cluster.
   */
  get(config: ActiveConfig, name: string): ClusterState | undefined {
    const cluster = config.clusters.get(name)
    if (cluster === undefined) return undefined
    return this.#states.get(name) ?? this.#add(cluster)
  }

  onConfig(config: ActiveConfig, previous: ActiveConfig): void {
    for (const [name, state] of this.#states) {
      const cluster = config.clusters.get(name)
      if (cluster === undefined) {
        this.#states.delete(name)
        state.retire()
      } else if (cluster !== previous.clusters.get(name)) state.reconfigure(cluster, this.#endpointsOf(cluster))
    }
  }

  onEndpoints(edsName: string, endpoints: EndpointSet | undefined): void {
    for (const state of this.#states.values()) {
      const { discovery } = state.cluster
      if (discovery.kind === 'eds' && discovery.edsName === edsName) state.setEndpoints(endpoints)
    }
  }

  onSecrets(): void {
    for (const state of this.#states.values()) state.onSecrets()
  }

  /** Ends all connections. */
  close(): void {
    for (const state of this.#states.values()) state.destroy()
    this.#states.clear()
  }

  #add(cluster: Cluster): ClusterState {
    const state = new ClusterState(this.#context, cluster, this.#endpointsOf(cluster))
    this.#states.set(cluster.name, state)
    return state
  }

  #endpointsOf(cluster: Cluster): EndpointSet | undefined {
    return cluster.discovery.kind === 'eds' ? this.#context.endpointsOf(cluster.discovery.edsName) : undefined
  }
}
