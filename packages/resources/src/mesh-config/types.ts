// What holds for a whole mesh, as Istio's MeshConfig says it.
import type { TracingTag } from '../telemetry/telemetry/types.ts'
import type { LocalityLoadBalancing, TcpKeepalive } from '../networking/destination-rule/types.ts'
import type { HttpRetry } from '../networking/virtual-service/types.ts'

/** Who decides about requests, over HTTP: asked with the request's own path. */
export interface ExtAuthzHttpProvider {
  readonly service: string
  readonly port: number
  readonly timeout?: string
  readonly pathPrefix?: string
  readonly failOpen?: boolean
  readonly statusOnError?: string
  readonly includeRequestHeadersInCheck?: readonly string[]
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>
  readonly includeRequestBodyInCheck?: ExtAuthzBody
  readonly headersToUpstreamOnAllow?: readonly string[]
  readonly headersToDownstreamOnAllow?: readonly string[]
  readonly headersToDownstreamOnDeny?: readonly string[]
}

/** Who decides about requests, by Envoy's gRPC protocol. */
export interface ExtAuthzGrpcProvider {
  readonly service: string
  readonly port: number
  readonly timeout?: string
  readonly failOpen?: boolean
  readonly statusOnError?: string
  readonly includeRequestBodyInCheck?: ExtAuthzBody
}

/** How much of a body is shown to who decides. */
export interface ExtAuthzBody {
  readonly maxRequestBytes?: number
  readonly allowPartialMessage?: boolean
  readonly packAsBytes?: boolean
}

/** Something outside the mesh's own planes that policies name. */
export interface ExtensionProvider {
  readonly name: string
  readonly envoyExtAuthzHttp?: ExtAuthzHttpProvider
  readonly envoyExtAuthzGrpc?: ExtAuthzGrpcProvider
  /** `labels` is an object as written. */
  readonly envoyFileAccessLog?: {
    readonly path?: string
    readonly logFormat?: { readonly text?: string; readonly labels?: unknown }
  }
  /** Prometheus fetches metrics from the proxies themselves. */
  readonly prometheus?: object
  readonly zipkin?: ZipkinCollector
  readonly opentelemetry?: OpenTelemetryCollector
}

/** Takes spans. */
export interface TraceCollector {
  readonly service: string
  readonly port: number
  readonly maxTagLength?: number
}

/** Takes spans as Zipkin does. */
export interface ZipkinCollector extends TraceCollector {
  readonly enable64bitTraceId?: boolean
  readonly path?: string
}

/** Takes spans as OpenTelemetry does: over gRPC, or over HTTP where that is written. */
export interface OpenTelemetryCollector extends TraceCollector {
  readonly http?: {
    readonly path?: string
    readonly timeout?: string
    readonly headers?: readonly { readonly name: string; readonly value?: string }[]
  }
}

/** What `defaultConfig` says of traces. */
export interface DefaultTracing {
  readonly sampling?: number
  readonly maxPathTagLength?: number
  readonly customTags?: Readonly<Record<string, TracingTag>>
  readonly zipkin?: { readonly address?: string }
}

/** What is read of a MeshConfig. */
export interface MeshConfig {
  readonly accessLogFile?: string
  readonly accessLogFormat?: string
  readonly accessLogEncoding?: 'TEXT' | 'JSON'
  readonly extensionProviders?: readonly ExtensionProvider[]
  readonly localityLbSetting?: LocalityLoadBalancing
  readonly connectTimeout?: string
  /** Trust domains that stand for the own one. */
  readonly trustDomainAliases?: readonly string[]
  readonly tcpKeepalive?: TcpKeepalive
  readonly h2UpgradePolicy?: 'DO_NOT_UPGRADE' | 'UPGRADE'
  /** Retries of routes that say none. */
  readonly defaultHttpRetryPolicy?: HttpRetry
  readonly enableTracing?: boolean
  readonly defaultProviders?: {
    readonly tracing?: readonly string[]
    readonly accessLogging?: readonly string[]
    readonly metrics?: readonly string[]
  }
  readonly defaultConfig?: { readonly tracing?: DefaultTracing }
  readonly outboundTrafficPolicy?: { readonly mode?: 'ALLOW_ANY' | 'REGISTRY_ONLY' }
  readonly pathNormalization?: { readonly normalization?: PathNormalization }
}

/** How much of a path is made equal: each does what those before it do. */
export type PathNormalization = 'DEFAULT' | 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES'
