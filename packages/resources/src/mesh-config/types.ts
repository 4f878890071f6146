// What holds for a whole mesh, as Istio's MeshConfig says it.

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
}
