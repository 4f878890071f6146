import type { Timer } from '@weft/core'
import type { ActiveConfig, Cluster, EndpointSet } from '@weft/engine'
import type { H2Shared } from '../codec/h2/connection.ts'
import type { SanTest } from '../listen/peer-verifier.ts'
import type { RequestPathContext } from '../request-path.ts'
import { ClusterStats } from './cluster-stats.ts'
import { HostCaches } from './host-caches.ts'
import { UpstreamCluster, type UpstreamClusterContext } from './upstream-cluster.ts'

/** How often idle connections are looked through, milliseconds. */
const sweepEveryMs = 1_000

/** The living clusters of one proxy, by name. Configuration comes and goes; pools and balancers stay. */
export class ClusterRegistry {
  readonly #clusters = new Map<string, UpstreamCluster>()
  readonly hosts: HostCaches
  readonly #context: RequestPathContext
  readonly #shared: UpstreamClusterContext
  #sweeper: Timer | undefined
  #config: ActiveConfig | undefined = undefined
  #generation = 0

  constructor(context: RequestPathContext, testSan: SanTest, h2: H2Shared) {
    const { runtime } = context
    const stats = new ClusterStats(context.metrics)
    this.hosts = new HostCaches({ runtime, servers: context.dnsServers ?? [] }, context.metrics)
    this.#context = context
    this.#shared = {
      runtime,
      secrets: context.secrets,
      testSan,
      upstreamBindAddress: context.upstreamBindAddress,
      connectInternal: (name, ends) => context.connectInternal(name, ends),
      nowMs: () => runtime.clock.nowMs(),
      random: () => runtime.rng.float(),
      counters: (name) => stats.of(name),
      h2,
      hosts: this.hosts,
    }
    this.#armSweep()
  }

  /** The living side of a compiled cluster; undefined when no configuration names it. */
  get(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name)
  }

  /** Counts up with each configuration; 0 for any but the present one. Whoever keeps a cluster keeps this, not the configuration. */
  generationOf(config: ActiveConfig): number {
    return config === this.#config ? this.#generation : 0
  }

  /** Follows a new configuration. */
  onConfig(config: ActiveConfig): void {
    this.#config = config
    this.#generation += 1
    for (const [name, cluster] of config.clusters) {
      const living = this.#clusters.get(name)
      if (living === undefined)
        this.#clusters.set(name, new UpstreamCluster(cluster, this.#endpointsOf(cluster), this.#shared))
      else if (living.cluster !== cluster) {
        living.configure(cluster)
        living.setEndpoints(this.#endpointsOf(cluster))
      }
    }
    for (const [name, living] of [...this.#clusters]) {
      if (config.clusters.has(name)) continue
      this.#clusters.delete(name)
      living.close()
    }
  }

  onEndpoints(edsName: string, endpoints: EndpointSet | undefined): void {
    for (const living of this.#clusters.values()) {
      const { discovery } = living.cluster
      if (discovery.kind === 'eds' && discovery.edsName === edsName) living.setEndpoints(endpoints)
    }
  }

  onSecrets(): void {
    for (const living of this.#clusters.values()) living.certificateRotated()
  }

  close(): void {
    this.#sweeper?.cancel()
    for (const living of this.#clusters.values()) living.close()
    this.#clusters.clear()
  }

  #endpointsOf(cluster: Cluster): EndpointSet | undefined {
    const { discovery } = cluster
    if (discovery.kind === 'eds') return this.#context.endpointsOf(discovery.edsName)
    return 'endpoints' in discovery ? discovery.endpoints : undefined
  }

  #armSweep(): void {
    this.#sweeper = this.#context.runtime.timers.set(
      sweepEveryMs,
      () => {
        const nowMs = this.#context.runtime.clock.nowMs()
        for (const living of this.#clusters.values()) living.sweep(nowMs)
        this.hosts.sweep(nowMs)
        this.#armSweep()
      },
      { keepAlive: false },
    )
  }
}
