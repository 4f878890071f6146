// What generators read of Istio's Telemetry.

/** Side of a call: the proxy of the caller (a gateway's too), or that of the workload that is called. */
export type TelemetrySide = 'CLIENT' | 'SERVER'

/** Access logs of what a Telemetry selects. */
export interface AccessLogging {
  readonly match?: { readonly mode?: TelemetrySide | 'CLIENT_AND_SERVER' }
  /** Names among the mesh's extension providers; `envoy` is the mesh's own log. */
  readonly providers?: readonly { readonly name: string }[]
  readonly disabled?: boolean
}

/** Spec of a Telemetry. */
export interface TelemetrySpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly targetRef?: unknown
  readonly targetRefs?: readonly unknown[]
  readonly accessLogging?: readonly AccessLogging[]
}
