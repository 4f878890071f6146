// Compiling refuses a resource as a whole: the first mistake unwinds to the one place that turns it into a value.
import { err, ok, type Result } from '@weft/core'
import { LeanDecodeError } from '@weft/xds'
import type { RegexCompiler } from '../predicate.ts'

/** Why a resource was refused. `field` is its path, as `filter_chains[0].filters[1].typed_config.http_filters[0]`. */
export interface CompileError {
  readonly field: string
  readonly message: string
  /** Compiling again with a regex compiler may succeed: the resource holds a regular expression and none was given. */
  readonly needsRegex?: true
}

/** What compiling needs from outside. Without `regex`, a resource with a regular expression answers `needsRegex`. */
export interface CompileOptions {
  readonly regex?: RegexCompiler | undefined
  /**
   * For explaining an Envoy, and never in a proxy: a filter or condition that is not known is kept as one, instead of refusing the resource.
   * `patches`: origins of the EnvoyFilters that changed it.
   */
  readonly keepsUnknown?: { readonly patches: readonly string[] } | undefined
}

/** Carries a `CompileError` up to `attempt`; never leaves this folder. */
class Refusal extends Error {
  readonly reason: CompileError
  constructor(reason: CompileError) {
    super(reason.message)
    this.reason = reason
  }
}

/** Gives up on the resource. */
export function refuse(field: string, message: string): never {
  throw new Refusal({ field, message })
}

/** Gives up because a regular expression needs a compiler that is not there yet. */
export function refuseForRegex(field: string): never {
  throw new Refusal({ field, message: 'holds a regular expression and no compiler is loaded', needsRegex: true })
}

/** Runs a compilation; mistakes become the error value. */
export function attempt<T>(compile: () => T): Result<T, CompileError> {
  try {
    return ok(compile())
  } catch (error) {
    if (error instanceof Refusal) return err(error.reason)
    if (error instanceof LeanDecodeError) return err({ field: '', message: `malformed bytes: ${error.message}` })
    throw error
  }
}

/** State of one compilation. */
export interface Context {
  readonly options: CompileOptions
  /** Fields set but not read, collected by the lean readers. */
  readonly unlisted: string[]
  /** Origins of RBAC policies by name, from the filter chain's metadata. */
  readonly policyOrigins?: Readonly<Record<string, string>> | undefined
}

/** A fresh context. */
export function newContext(options: CompileOptions): Context {
  return { options, unlisted: [] }
}

type Read<T> = (bytes: Uint8Array, unlisted: string[]) => T

/** Messages whose every field decides who gets what: an unread one would let too much match. */
const conditions =
  /^envoy\.(config\.route\.v3\.(RouteMatch|HeaderMatcher|QueryParameterMatcher)|type\.matcher\.v3\.\w+|config\.listener\.v3\.FilterChainMatch|config\.rbac\.v3\.\w+|extensions\.transport_sockets\.tls\.v3\.\w+)\b/

/** Reads an `Any`'s message; fields not read are collected, or refused when they would weaken a condition. */
export function readPart<T>(context: Context, at: string, read: Read<T>, bytes: Uint8Array): T {
  const unlisted: string[] = []
  const value = read(bytes, unlisted)
  for (const field of unlisted) {
    if (conditions.test(field)) refuse(at, `${field} is not supported`)
    if (!context.unlisted.includes(field)) context.unlisted.push(field)
  }
  return value
}

/** Reads a security message: a field that is set but not read, and not spared, refuses the resource. */
export function readStrict<T>(
  at: string,
  read: Read<T>,
  bytes: Uint8Array,
  spared: (field: string) => boolean = () => false,
): T {
  const unlisted: string[] = []
  const value = read(bytes, unlisted)
  const unread = unlisted.find((field) => !spared(field))
  if (unread !== undefined) refuse(at, `${unread} is not supported`)
  return value
}
