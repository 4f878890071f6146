// Istio RequestAuthentication.
import type { Selection } from '../../networking/target-reference.ts'

/** Tokens of one issuer, and where they are. */
export interface JwtRule {
  readonly issuer: string
  readonly audiences?: readonly string[]
  /** One of the two is set. */
  readonly jwks?: string
  readonly jwksUri?: string
  /** Without any place: the `Authorization` header as a bearer token, and the query parameter `access_token`. */
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix?: string }[]
  readonly fromParams?: readonly string[]
  readonly fromCookies?: readonly string[]
  readonly outputPayloadToHeader?: string
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[]
  readonly forwardOriginalToken?: boolean
  readonly spaceDelimitedClaims?: readonly string[]
  readonly timeout?: string
  /** Without a token a request goes on, unless one is required. A bad one never does. */
  readonly presence?: 'PRESENCE_UNSPECIFIED' | 'OPTIONAL' | 'REQUIRED'
}

/** Spec of a RequestAuthentication. */
export interface RequestAuthenticationSpec extends Selection {
  readonly jwtRules: readonly JwtRule[]
}
