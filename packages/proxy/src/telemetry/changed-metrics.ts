// Istio's metrics where a Telemetry changes them: left out, without some labels, or with others. What is not changed never comes here.
import { computeValue, type Listener, type MetricChange, type MetricChanges, type ReadAttribute } from '@weft/engine'
import type { ValueExpression } from '@weft/core'
import type { MetricFamily, MetricsRegistry } from './metrics-registry.ts'
import type { StandardMetric } from './standard-metrics.ts'

/** A metric as it is counted: each label is one of the standard ones, by its place, or computed. */
interface ChangedMetric {
  readonly family: MetricFamily
  readonly labels: readonly (number | ValueExpression)[]
}

/** What CEL cannot compute, as Istio writes it. */
const unknown = 'unknown'

/** The metric of a listener's changes; undefined: it is left out. */
export class ChangedMetrics {
  readonly #registry: MetricsRegistry
  /** By listener's changes, then by metric: found by text only for the first request after an edit. */
  readonly #made = new WeakMap<MetricChanges, Map<string, ChangedMetric | undefined>>()

  constructor(registry: MetricsRegistry) {
    this.#registry = registry
  }

  /** Adds to a counter, or observes in a histogram; `values` are those of the metric's standard labels. */
  count(
    metric: StandardMetric,
    { changes, values, read }: { changes: MetricChanges; values: readonly string[]; read: ReadAttribute },
    amount: number,
  ): void {
    const changed = this.#of(metric, changes)
    if (changed === undefined) return
    const { family, labels } = changed
    const series = family.series(
      labels.map((label) =>
        typeof label === 'number' ? (values[label] ?? unknown) : (computeValue(label, read) ?? unknown),
      ),
    )
    if (metric.kind === 'counter') family.add(series, amount)
    else family.observe(series, amount)
  }

  #of(metric: StandardMetric, changes: MetricChanges): ChangedMetric | undefined {
    let made = this.#made.get(changes)
    if (made === undefined) this.#made.set(changes, (made = new Map()))
    if (!made.has(metric.name))
      made.set(metric.name, changedMetric(this.#registry, metric, changes.byName.get(metric.name)))
    return made.get(metric.name)
  }
}

function changedMetric(
  registry: MetricsRegistry,
  { name, kind, help, labels }: StandardMetric,
  change: MetricChange | undefined,
): ChangedMetric | undefined {
  if (change?.disabled === true) return undefined
  const kept = labels.filter((label) => change?.removed.has(label) !== true || change.values.has(label))
  const added = [...(change?.values.keys() ?? [])].filter((label) => !labels.includes(label))
  const all = [...kept, ...added]
  const spec = { name: `istio_${name}`, help, labels: all }
  return {
    family: kind === 'counter' ? registry.counter(spec) : registry.histogram(spec),
    labels: all.map((label) => change?.values.get(label) ?? labels.indexOf(label)),
  }
}

/** A listener whose metrics are changed. */
export type ChangedListener = Pick<Listener, 'name' | 'direction'> & { readonly metrics: MetricChanges }
