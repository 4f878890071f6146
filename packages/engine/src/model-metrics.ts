// How metrics differ from Istio's standard ones, as a Telemetry says it.
import type { ValueExpression } from '@weft/core'

/** Changes to the metrics of what passes a listener. */
export interface MetricChanges {
  /** By the name of the metric, without `istio_`. */
  readonly byName: ReadonlyMap<string, MetricChange>
  /** How often open TCP connections are counted, milliseconds; 0: at their end. */
  readonly reportingMs: number
}

/** What is different about one metric. */
export interface MetricChange {
  readonly disabled: boolean
  /** Labels that are left out. */
  readonly removed: ReadonlySet<string>
  /** Labels with a value of their own, beside the usual ones or in the place of one of them. */
  readonly values: ReadonlyMap<string, ValueExpression>
}
