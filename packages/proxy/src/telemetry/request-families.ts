import type { ExchangeRecord } from './exchange-record.ts'
import type { MetricFamily, MetricsRegistry } from './metrics-registry.ts'

/** The series of one set of labels. */
export interface RequestSeries {
  readonly labels: readonly string[]
  readonly total: number
  readonly completed: number
  readonly retry: number
  readonly retrySuccess: number
  readonly limitExceeded: number
  readonly overflow: number
  readonly timeout: number
  readonly time: number
}

/** What Envoy counts of requests that go upstream, under a prefix of names. */
export class RequestFamilies {
  readonly #total: MetricFamily
  readonly #completed: MetricFamily
  readonly #retry: MetricFamily
  readonly #retrySuccess: MetricFamily
  readonly #limitExceeded: MetricFamily
  readonly #overflow: MetricFamily
  readonly #timeout: MetricFamily
  readonly #time: MetricFamily
  readonly #codes: MetricFamily
  readonly #classes: MetricFamily

  constructor(metrics: MetricsRegistry, prefix: string, labels: readonly string[]) {
    const family = (name: string, help: string, more: readonly string[] = []) => ({
      name: `${prefix}_upstream_rq${name}`,
      help,
      labels: [...more, ...labels],
    })
    this.#total = metrics.counter(family('_total', 'Requests that were given to a connection, repeated ones too.'))
    this.#completed = metrics.counter(family('_completed', 'Requests that were answered.'))
    this.#retry = metrics.counter(family('_retry', 'Requests that were sent again.'))
    this.#retrySuccess = metrics.counter(family('_retry_success', 'Requests that succeeded when sent again.'))
    this.#limitExceeded = metrics.counter(family('_retry_limit_exceeded', 'Requests that had no retries left.'))
    this.#overflow = metrics.counter(family('_retry_overflow', 'Requests not sent again: too many were already.'))
    this.#timeout = metrics.counter(family('_timeout', 'Requests that took longer than the route allows.'))
    this.#time = metrics.histogram(family('_time', 'Milliseconds to the end of answers of upstreams.'))
    this.#codes = metrics.counter(family('', 'Answers by status.', ['envoy_response_code']))
    this.#classes = metrics.counter(family('_xx', 'Answers by class of status.', ['envoy_response_code_class']))
  }

  /** The series with these label values, made when new. */
  series(labels: readonly string[]): RequestSeries {
    return {
      labels,
      total: this.#total.series(labels),
      completed: this.#completed.series(labels),
      retry: this.#retry.series(labels),
      retrySuccess: this.#retrySuccess.series(labels),
      limitExceeded: this.#limitExceeded.series(labels),
      overflow: this.#overflow.series(labels),
      timeout: this.#timeout.series(labels),
      time: this.#time.series(labels),
    }
  }

  /** Counts a finished exchange that was to go upstream. */
  count(record: ExchangeRecord, series: RequestSeries): void {
    const { attempts = 0, streams = 0 } = record.upstream ?? {}
    const { details, flags, status } = record
    this.#total.add(series.total, streams)
    this.#retry.add(series.retry, Math.max(0, attempts - 1))
    const limited = flags.includes('URX')
    // The flag is also that of requests that were too many themselves.
    const overflowed = flags.includes('UO') && !details.includes('overflow')
    if (limited) this.#limitExceeded.add(series.limitExceeded, 1)
    if (overflowed) this.#overflow.add(series.overflow, 1)
    if (details === 'response_timeout') this.#timeout.add(series.timeout, 1)
    if (status === 0 || details === 'internal_redirect') return
    const answered = details === 'via_upstream'
    if (answered && attempts > 1 && !limited && !overflowed) this.#retrySuccess.add(series.retrySuccess, 1)
    if (answered) this.#time.observe(series.time, record.durationMs)
    this.#completed.add(series.completed, 1)
    this.#codes.add(this.#codes.series([String(status), ...series.labels]), 1)
    this.#classes.add(this.#classes.series([String(Math.floor(status / 100)), ...series.labels]), 1)
  }
}
