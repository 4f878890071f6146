import type { MetricFamily, MetricsRegistry } from '../telemetry/metrics-registry.ts'

/** Connection counters of one cluster, resolved to slots once. */
export interface ClusterCounters {
  opened(): void
  closed(): void
  connectFailed(): void
}

/** Envoy's names for upstream connections, so that dashboards (and the no-reconnect test) find them. */
export class ClusterStats {
  readonly #total: MetricFamily
  readonly #active: MetricFamily
  readonly #failed: MetricFamily

  constructor(metrics: MetricsRegistry) {
    const labels = ['envoy_cluster_name']
    this.#total = metrics.counter({
      name: 'envoy_cluster_upstream_cx_total',
      help: 'Upstream connections opened.',
      labels,
    })
    this.#active = metrics.gauge({
      name: 'envoy_cluster_upstream_cx_active',
      help: 'Upstream connections open now.',
      labels,
    })
    this.#failed = metrics.counter({
      name: 'envoy_cluster_upstream_cx_connect_fail',
      help: 'Upstream connections that could not be made.',
      labels,
    })
  }

  of(clusterName: string): ClusterCounters {
    const total = this.#total.series([clusterName])
    const active = this.#active.series([clusterName])
    const failed = this.#failed.series([clusterName])
    return {
      opened: () => {
        this.#total.add(total, 1)
        this.#active.add(active, 1)
      },
      closed: () => this.#active.add(active, -1),
      connectFailed: () => this.#failed.add(failed, 1),
    }
  }
}
