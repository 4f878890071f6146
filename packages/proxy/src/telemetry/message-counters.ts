import type { CarriedMessages } from './exchange-record.ts'
import type { MetricFamily, MetricsRegistry } from './metrics-registry.ts'
import { standardMetrics } from './standard-metrics.ts'

/** The series of one set of labels. */
interface MessageSeries {
  readonly requests: number
  readonly responses: number
}

/** Istio's metrics of the messages of gRPC calls; nothing is made for labels that had none. */
export class MessageCounters {
  readonly #requests: MetricFamily
  readonly #responses: MetricFamily
  /** By the list of label values, which is made once per pair of workloads. */
  readonly #series = new WeakMap<readonly string[], MessageSeries>()

  constructor(registry: MetricsRegistry) {
    const { requestMessages: requests, responseMessages: responses } = standardMetrics
    this.#requests = registry.counter({ ...requests, name: `istio_${requests.name}` })
    this.#responses = registry.counter({ ...responses, name: `istio_${responses.name}` })
  }

  /** Counts what a call has carried since the last time. */
  count(values: readonly string[], messages: CarriedMessages): void {
    const { requests, responses } = messages.takeUncounted()
    if (requests + responses === 0) return
    let series = this.#series.get(values)
    if (series === undefined) {
      series = { requests: this.#requests.series(values), responses: this.#responses.series(values) }
      this.#series.set(values, series)
    }
    this.#requests.add(series.requests, requests)
    this.#responses.add(series.responses, responses)
  }
}
