// What holds for a whole mesh, as Istio's MeshConfig says it.
import type { LocalityLoadBalancing } from '../networking/destination-rule/types.ts'

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
  readonly zipkin?: TraceCollector
  readonly opentelemetry?: TraceCollector
}

/** Takes spans. */
export interface TraceCollector {
  readonly service: string
  readonly port: number
  readonly maxTagLength?: number
}

/** What is read of a MeshConfig. */
export interface MeshConfig {
  readonly accessLogFile?: string
  readonly accessLogFormat?: string
  readonly accessLogEncoding?: 'TEXT' | 'JSON'
  readonly extensionProviders?: readonly ExtensionProvider[]
  readonly localityLbSetting?: LocalityLoadBalancing
  readonly connectTimeout?: string
  readonly outboundTrafficPolicy?: { readonly mode?: 'ALLOW_ANY' | 'REGISTRY_ONLY' }
  readonly pathNormalization?: { readonly normalization?: PathNormalization }
}

/** How much of a path is made equal: each does what those before it do. */
export type PathNormalization = 'DEFAULT' | 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES'
