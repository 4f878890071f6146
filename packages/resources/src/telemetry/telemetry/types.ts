// What generators read of Istio's Telemetry.
import type { Selection } from '../../networking/target-reference.ts'

/** Side of a call: the proxy of the caller (a gateway's too), or that of the workload that is called. */
export type TelemetrySide = 'CLIENT' | 'SERVER'

/** Access logs of what a Telemetry selects. */
export interface AccessLogging {
  readonly match?: { readonly mode?: TelemetrySide | 'CLIENT_AND_SERVER' }
  /** Names among the mesh's extension providers; `envoy` is the mesh's own log. */
  readonly providers?: readonly { readonly name: string }[]
  readonly disabled?: boolean
  /** A CEL expression that must be true for a line to be written. */
  readonly filter?: { readonly expression?: string }
}

/** A tag of spans; a formatter is accepted and has no effect. */
export interface TracingTag {
  readonly literal?: { readonly value: string }
  readonly environment?: { readonly name: string; readonly defaultValue?: string }
  readonly header?: { readonly name: string; readonly defaultValue?: string }
  /** A format of access logs. */
  readonly formatter?: { readonly value: string }
}

/** Traces of what a Telemetry selects. */
export interface TracingRule {
  readonly match?: { readonly mode?: TelemetrySide | 'CLIENT_AND_SERVER' }
  /** The first counts. */
  readonly providers?: readonly { readonly name: string }[]
  readonly randomSamplingPercentage?: number
  readonly disableSpanReporting?: boolean
  readonly disableContextPropagation?: boolean
  readonly enableIstioTags?: boolean
  readonly useRequestIdForTraceSampling?: boolean
  readonly customTags?: Readonly<Record<string, TracingTag>>
}

/** Istio's metrics by what a Telemetry calls them; each name comes after `istio_`. */
export const istioMetrics = {
  REQUEST_COUNT: 'requests_total',
  REQUEST_DURATION: 'request_duration_milliseconds',
  REQUEST_SIZE: 'request_bytes',
  RESPONSE_SIZE: 'response_bytes',
  GRPC_REQUEST_MESSAGES: 'request_messages_total',
  GRPC_RESPONSE_MESSAGES: 'response_messages_total',
  TCP_OPENED_CONNECTIONS: 'tcp_connections_opened_total',
  TCP_CLOSED_CONNECTIONS: 'tcp_connections_closed_total',
  TCP_SENT_BYTES: 'tcp_sent_bytes_total',
  TCP_RECEIVED_BYTES: 'tcp_received_bytes_total',
} as const

/** What a Telemetry calls a metric. */
export type MetricName = keyof typeof istioMetrics

/** A change to metrics; without `match`, to all of them on both sides. */
export interface MetricOverride {
  readonly match?: {
    readonly metric?: string
    readonly customMetric?: string
    readonly mode?: TelemetrySide | 'CLIENT_AND_SERVER'
  }
  readonly disabled?: boolean
  readonly tagOverrides?: Readonly<
    Record<string, { readonly operation?: 'UPSERT' | 'REMOVE'; readonly value?: string }>
  >
}

/** Metrics of what a Telemetry selects. */
export interface MetricRule {
  readonly providers?: readonly { readonly name: string }[]
  readonly overrides?: readonly MetricOverride[]
  /** How often open TCP connections and gRPC calls that stream are counted. */
  readonly reportingInterval?: string
}

/** Spec of a Telemetry. */
export interface TelemetrySpec extends Selection {
  readonly accessLogging?: readonly AccessLogging[]
  readonly tracing?: readonly TracingRule[]
  readonly metrics?: readonly MetricRule[]
}
