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

/** Spec of a Telemetry. */
export interface TelemetrySpec extends Selection {
  readonly accessLogging?: readonly AccessLogging[]
  readonly tracing?: readonly TracingRule[]
}
