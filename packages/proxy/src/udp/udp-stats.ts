import type { MetricFamily, MetricsRegistry } from '../telemetry/metrics-registry.ts'

const counters = {
  envoy_udp_downstream_sess_total: 'UDP sessions begun.',
  envoy_udp_downstream_sess_no_route:
    'Datagrams dropped because there is no cluster, no endpoint or no room for a session.',
  envoy_udp_idle_timeout: 'UDP sessions that ended because nothing came for too long.',
  envoy_udp_downstream_sess_rx_datagrams: 'Datagrams received from clients.',
  envoy_udp_downstream_sess_tx_datagrams: 'Datagrams sent to clients.',
  envoy_udp_downstream_sess_rx_bytes: 'Bytes received from clients.',
  envoy_udp_downstream_sess_tx_bytes: 'Bytes sent to clients.',
  envoy_udp_downstream_sess_rx_datagrams_dropped: 'Datagrams dropped for their size, from either side.',
} as const

/** What is counted of UDP, by Envoy's names without their `envoy_udp_downstream_sess_` or `envoy_udp_`. */
export type UdpCount = keyof typeof counters

/** Envoy's counters of the UDP proxy, by `stat_prefix`. */
export class UdpStats {
  readonly #families = new Map<string, MetricFamily>()
  readonly #active: MetricFamily

  constructor(metrics: MetricsRegistry) {
    const labels = ['envoy_udp_prefix']
    for (const [name, help] of Object.entries(counters))
      this.#families.set(name, metrics.counter({ name, help, labels }))
    this.#active = metrics.gauge({ name: 'envoy_udp_downstream_sess_active', help: 'UDP sessions open now.', labels })
  }

  count(name: UdpCount, prefix: string, by = 1): void {
    const family = this.#families.get(name)
    family?.add(family.series([prefix]), by)
  }

  active(prefix: string, by: 1 | -1): void {
    this.#active.add(this.#active.series([prefix]), by)
  }
}
