import type { MetricsRegistry } from '../telemetry/metrics-registry.ts'

/** Counters of one cache of host addresses. */
export interface DnsCounters {
  asked(): void
  answered(well: boolean): void
  timedOut(): void
  changed(): void
  hosts(count: number, what: 'added' | 'removed'): void
  /** No further host can be remembered. */
  full(): void
  /** No further request can wait. */
  overflowed(): void
}

/** Envoy's names: `envoy_dns_cache_<name of the cache>_...`. */
export function dnsCounters(metrics: MetricsRegistry, cacheName: string): DnsCounters {
  const prefix = `envoy_dns_cache_${cacheName.replaceAll(/[^A-Za-z0-9_]/g, '_')}_`
  const counter = (name: string, help: string): (() => void) => {
    const family = metrics.counter({ name: `${prefix}${name}`, help, labels: [] })
    const series = family.series([])
    return () => family.add(series, 1)
  }
  const hosts = metrics.gauge({ name: `${prefix}num_hosts`, help: 'Host names that are remembered now.', labels: [] })
  const hostsSeries = hosts.series([])
  let known = 0
  const added = counter('host_added', 'Host names that were remembered.')
  const removed = counter('host_removed', 'Host names that were forgotten.')
  const success = counter('dns_query_success', 'Lookups of host names that found addresses.')
  const failure = counter('dns_query_failure', 'Lookups of host names that found none.')
  return {
    asked: counter('dns_query_attempt', 'Lookups of host names.'),
    answered: (well) => (well ? success() : failure()),
    timedOut: counter('dns_query_timeout', 'Lookups of host names that took too long.'),
    changed: counter('host_address_changed', 'Lookups that found other addresses than before.'),
    hosts: (count, what) => {
      hosts.add(hostsSeries, count - known)
      known = count
      if (what === 'added') added()
      else removed()
    },
    full: counter('host_overflow', 'Host names that could not be remembered.'),
    overflowed: counter('dns_rq_pending_overflow', 'Requests that could not wait for a lookup.'),
  }
}
