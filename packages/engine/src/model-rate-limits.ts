// Requests in a time: what a filter lets through, and what routes make of requests so that they are counted.
import type { HeaderOption } from './model-routes.ts'
import type { Rule } from './predicate.ts'
import type { TokenBucketSpec } from './reduce/token-bucket.ts'

/** `envoy.filters.http.local_ratelimit`. */
export interface HttpRateLimit {
  readonly kind: 'rate-limit'
  /** For all requests; undefined: without limit. */
  readonly all: TokenBucketSpec | undefined
  readonly limits: readonly CountedLimit[]
  readonly status: number
  readonly headers: readonly HeaderOption[]
}

/** A limit for the requests of which a route makes these entries. */
export interface CountedLimit {
  /** Without a value: each value is counted apart. */
  readonly entries: readonly { readonly key: string; readonly value: string | undefined }[]
  readonly bucket: TokenBucketSpec
}

/** One list of a route: the entries that it makes of a request, in order; none if one of them has no value. */
export type DescriptorRecipe = readonly DescriptorPart[]

/** One entry. */
export type DescriptorPart =
  | { readonly kind: 'fixed'; readonly key: string; readonly value: string }
  | {
      readonly kind: 'match'
      readonly key: string
      readonly value: string
      readonly rule: Rule
      readonly expect: boolean
    }
  | { readonly kind: 'header'; readonly key: string; readonly header: string; readonly skips: boolean }
  | { readonly kind: 'address' }
