// Matchers as data: what a compiled rule says, before anybody asks it. Deciding, proving and enumerating interpret the
// same tree; the hot path runs a closure made from it.
import type { Json, Subject } from './request-head.ts'

/**
 * Something a rule can look at, by Envoy's attribute name. `key` selects a header (lower-case), query parameter or
 * metadata path.
 */
export type Attribute =
  | { readonly name: PlainAttribute }
  | { readonly name: 'request.headers'; readonly key: string }
  | { readonly name: 'request.query_params'; readonly key: string }
  | { readonly name: 'metadata'; readonly filter: string; readonly path: readonly string[] }
  | { readonly name: 'random'; readonly runtimeKey: string }

/** Attributes without a key. */
export type PlainAttribute =
  | 'request.method'
  | 'request.path' // with query
  | 'request.url_path' // without query
  | 'request.query'
  | 'request.host' // :authority, with port
  | 'request.host_name' // :authority, without port
  | 'request.scheme'
  | 'source.address' // after X-Forwarded-For
  | 'source.direct_address' // the socket's peer
  | 'source.port'
  | 'source.principal'
  | 'destination.address'
  | 'destination.port'
  | 'destination.principal'
  | 'connection.requested_server_name'
  | 'connection.tls'
  | 'connection.mtls'

/** A regular expression with RE2's syntax, matched as a whole (Envoy's safe_regex). */
export interface Regex {
  readonly source: string
  /** True when the whole of `text` matches. */
  fullMatch(text: string): boolean
  /** Replaces every match; `substitution` uses RE2's `\1`. */
  replaceAll(text: string, substitution: string): string
}

/** Compiles a user's regular expression, or says why RE2 would refuse it. Injected, so that nothing loads unless used. */
export type RegexCompiler = (
  source: string,
) => { readonly ok: true; readonly value: Regex } | { readonly ok: false; readonly error: string }

/** A condition on one value. An absent value fails every test but `absent`. On a principal: one of its names passes. */
export type ValueTest =
  | { readonly is: 'exact'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly is: 'prefix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly is: 'suffix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly is: 'contains'; readonly value: string; readonly ignoreCase: boolean }
  /** `/a` matches `/a` and `/a/b`, not `/ab` (Envoy's path_separated_prefix). */
  | { readonly is: 'path-prefix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly is: 'regex'; readonly regex: Regex }
  | { readonly is: 'present' }
  | { readonly is: 'absent' }
  /** A whole decimal integer in [start, end). */
  | { readonly is: 'range'; readonly start: number; readonly end: number }
  | { readonly is: 'cidr'; readonly cidr: Cidr }
  | { readonly is: 'json'; readonly value: Json }
  /** A list with an element that passes. */
  | { readonly is: 'list'; readonly any: ValueTest }
  /** `random` modulo `denominator` is below `numerator`. */
  | { readonly is: 'fraction'; readonly numerator: number; readonly denominator: number }

/** An address range; `bits` is the address as a big-endian number of 32 or 128 bits. */
export interface Cidr {
  readonly text: string
  readonly family: 4 | 6
  readonly bits: bigint
  readonly prefixLength: number
}

/** A compiled rule. */
export type Predicate =
  | { readonly op: 'always' }
  /** Never matches; `why` is shown by `explain`. */
  | { readonly op: 'never'; readonly why: string }
  | {
      readonly op: 'test'
      readonly attribute: Attribute
      readonly test: ValueTest
      /** Tests '' when the attribute is absent (HeaderMatcher.treat_missing_header_as_empty). */
      readonly missingAsEmpty?: true
    }
  | { readonly op: 'and'; readonly all: readonly Predicate[] }
  | { readonly op: 'or'; readonly any: readonly Predicate[] }
  | { readonly op: 'not'; readonly not: Predicate }

/** The hot-path form of a predicate. */
export type Test = (subject: Subject) => boolean

/** A rule as data and as a closure made from it. */
export interface Rule {
  readonly predicate: Predicate
  readonly test: Test
}
