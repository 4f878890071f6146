import type { Logger } from '@weft/core'
import type { Listener } from '@weft/engine'
import type { MetricFamily, MetricsRegistry } from '../telemetry/metrics-registry.ts'
import type { AcceptRefusal } from './accept.ts'

/** Counts connections per listener under Envoy's names, and says why one was refused. */
export class ListenerStats {
  readonly #accepted: MetricFamily
  readonly #refused: MetricFamily
  readonly #log: Logger

  constructor(registry: MetricsRegistry, log: Logger) {
    this.#accepted = registry.counter({
      name: 'envoy_listener_downstream_cx_total',
      help: 'Downstream connections handed to the request path.',
      labels: ['listener'],
    })
    this.#refused = registry.counter({
      name: 'weft_listener_downstream_cx_refused_total',
      help: 'Downstream connections refused before a request, by reason.',
      labels: ['listener', 'reason'],
    })
    this.#log = log
  }

  accepted(listener: Listener): void {
    this.#accepted.add(this.#accepted.series([listener.name]), 1)
  }

  refused(listener: Listener, reason: AcceptRefusal, detail: string): void {
    this.#refused.add(this.#refused.series([listener.name, reason]), 1)
    this.#log.debug('connection refused', { listener: listener.name, reason, detail })
  }
}
