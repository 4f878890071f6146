// HTTPRoute, with defaults filled in.
import type {
  BackendRef,
  HeaderModifier,
  LocalReference,
  NamedMatch,
  RequestMirror,
  RouteFields,
  SessionPersistence,
  WeightedBackendRef,
} from '../types.ts'

/** A new path: `type` says which field is written. */
export interface PathModifier {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch'
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

/** An answer that sends the client elsewhere. */
export interface RequestRedirect {
  readonly scheme?: 'http' | 'https'
  readonly hostname?: string
  readonly path?: PathModifier
  readonly port?: number
  readonly statusCode: 301 | 302 | 303 | 307 | 308
}

/** Answers to browsers that ask from other origins. */
export interface HttpCors {
  readonly allowOrigins?: readonly string[]
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly allowCredentials?: boolean
  readonly maxAge: number
}

/** An authorizer that is asked first. */
export interface HttpExternalAuth {
  readonly protocol: 'HTTP' | 'GRPC'
  readonly backendRef: BackendRef
  readonly grpc?: { readonly allowedHeaders?: readonly string[] }
  readonly http?: {
    readonly path?: string
    readonly allowedHeaders?: readonly string[]
    readonly allowedResponseHeaders?: readonly string[]
  }
  readonly forwardBody?: { readonly maxSize?: number }
}

/** A filter: `type` says which field is written. */
export interface HttpFilter {
  readonly type:
    | 'RequestHeaderModifier'
    | 'ResponseHeaderModifier'
    | 'RequestMirror'
    | 'RequestRedirect'
    | 'URLRewrite'
    | 'CORS'
    | 'ExternalAuth'
    | 'ExtensionRef'
  readonly requestHeaderModifier?: HeaderModifier
  readonly responseHeaderModifier?: HeaderModifier
  readonly requestMirror?: RequestMirror
  readonly requestRedirect?: RequestRedirect
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier }
  readonly cors?: HttpCors
  readonly externalAuth?: HttpExternalAuth
  readonly extensionRef?: LocalReference
}

/** Conditions that must all hold. */
export interface HttpRouteMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value: string }
  readonly headers?: readonly NamedMatch[]
  readonly queryParams?: readonly NamedMatch[]
  readonly method?: string
}

/** Where requests go, with filters of its own. */
export interface HttpBackendRef extends WeightedBackendRef {
  readonly filters?: readonly HttpFilter[]
}

/** One rule: matches are alternatives. */
export interface HttpRouteRule {
  readonly name?: string
  readonly matches: readonly HttpRouteMatch[]
  readonly filters?: readonly HttpFilter[]
  readonly backendRefs?: readonly HttpBackendRef[]
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: { readonly codes?: readonly number[]; readonly attempts?: number; readonly backoff?: string }
  readonly sessionPersistence?: SessionPersistence
}

/** Spec of an HTTPRoute. */
export interface HTTPRouteSpec extends RouteFields {
  readonly hostnames?: readonly string[]
  readonly rules: readonly HttpRouteRule[]
}
