import type { DnsCache } from '@weft/engine'
import type { MetricsRegistry } from '../telemetry/metrics-registry.ts'
import { dnsCounters } from './dns-stats.ts'
import { HostCache, type HostCacheContext } from './host-cache.ts'

/** The caches of host addresses of one proxy, by name: clusters that name the same one share it. */
export class HostCaches {
  readonly #caches = new Map<string, { config: DnsCache; readonly cache: HostCache }>()
  readonly #context: HostCacheContext
  readonly #metrics: MetricsRegistry

  constructor(context: HostCacheContext, metrics: MetricsRegistry) {
    this.#context = context
    this.#metrics = metrics
  }

  /** The cache of that name, by its configuration as last told. */
  of(config: DnsCache): HostCache {
    const known = this.#caches.get(config.name)
    if (known === undefined) {
      const cache = new HostCache(config, this.#context, dnsCounters(this.#metrics, config.name))
      this.#caches.set(config.name, { config, cache })
      return cache
    }
    if (known.config !== config) {
      known.config = config
      known.cache.configure(config)
    }
    return known.cache
  }

  sweep(nowMs: number): void {
    for (const { cache } of this.#caches.values()) cache.sweep(nowMs)
  }
}
