// Schemas of the kinds: JSON Schema for ajv, plus what we need to refuse by name and to check values together.
import type { PathStep } from '../field-path.ts'
import type { Severity } from '../mesh-object.ts'
import type { FormatName } from './formats.ts'

/** What a check finds. `at` is relative to the checked value. */
export interface Finding {
  readonly at?: readonly PathStep[]
  readonly severity?: Severity
  readonly code: string
  readonly message: string
  readonly mend: string
}

/** A finding with a path from the document's root. */
export interface LocatedFinding extends Finding {
  readonly at: readonly PathStep[]
}

/** Checks a value whose whole subtree has the types of its schema (not necessarily fitting values). Pure. */
export type Check = { check(value: unknown): Iterable<Finding> }['check']

/** A field that is understood and accepted, and reported where it is written, since something does not happen. */
export interface Pending {
  /** What does not happen, as a sentence without its full stop. */
  readonly effect: string
  /** Where it does not happen: with every data plane, only with Weft's own proxy, or only with Envoy. */
  readonly proxies: 'all' | 'weft' | 'envoy'
}

/** A schema node. Fields that start with `x-` are ours; ajv ignores them. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: false | Schema
  readonly propertyNames?: { readonly format: FormatName }
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly (string | number)[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  /** What holds when the field is not written. */
  readonly default?: unknown
  readonly format?: FormatName
  /** One line for people who write the field. */
  readonly description?: string
  /** What does not happen although the field is understood; holds for everything below it. */
  readonly 'x-pending'?: Pending
  /** The same for single enum values. */
  readonly 'x-pending-values'?: Readonly<Record<string, Pending>>
  /** The field belongs to Kubernetes and says nothing to the mesh: accepted without a finding. */
  readonly 'x-context'?: true
  /** The value is a secret: findings never show it. */
  readonly 'x-secret'?: true
  /** Writing the field refuses the object; says what to do instead. */
  readonly 'x-refused'?: string
  /** The same where Weft's own proxy is the data plane; Envoy enforces the field. */
  readonly 'x-refused-weft'?: string
  /** The same for single enum values. */
  readonly 'x-refused-weft-values'?: Readonly<Record<string, string>>
  /** Fields of the original API that are refused by name, with the reason. */
  readonly 'x-unsupported'?: Readonly<Record<string, string>>
  /** Enum values of the original API that are refused by name, with the reason. */
  readonly 'x-unsupported-values'?: Readonly<Record<string, string>>
  readonly 'x-check'?: Check
}

/** Options of an object schema. */
export interface ObjectOptions {
  readonly required?: readonly string[]
  readonly unsupported?: Readonly<Record<string, string>>
  readonly check?: Check
}

/** An object with exactly these fields. */
export function object(properties: Readonly<Record<string, Schema>>, options: ObjectOptions = {}): Schema {
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(options.required ? { required: options.required } : {}),
    ...(options.unsupported ? { 'x-unsupported': options.unsupported } : {}),
    ...(options.check ? { 'x-check': options.check } : {}),
  }
}

/** A field with its doc line. */
export function doc(description: string, schema: Schema): Schema {
  return { ...schema, description }
}

/** A field that is accepted and has no effect; each written one is reported. `effect` is what does not happen. */
export function pending(effect: string, schema: Schema): Schema {
  return { ...schema, 'x-pending': { effect, proxies: 'all' } }
}

/** A field that Envoy obeys and Weft's own proxy does not yet. */
export function pendingOnWeft(effect: string, schema: Schema): Schema {
  return { ...schema, 'x-pending': { effect, proxies: 'weft' } }
}

/** A field that Weft's own proxy obeys and Envoy, as it is released, cannot. */
export function pendingOnEnvoy(effect: string, schema: Schema): Schema {
  return { ...schema, 'x-pending': { effect, proxies: 'envoy' } }
}

/** A field that is known, and refuses the object wherever it is written. */
export function refused(mend: string, schema: Schema): Schema {
  return { ...schema, 'x-refused': mend }
}

/** A field that Envoy enforces, and that refuses the object where Weft's own proxy is the data plane. */
export function refusedOnWeft(mend: string, schema: Schema): Schema {
  return { ...schema, 'x-refused-weft': mend }
}

/** A field that Kubernetes reads and that says nothing to the mesh. */
export function context(description: string, schema: Schema = {}): Schema {
  return { ...schema, description, 'x-context': true }
}

/** A text that findings must not show. */
export const secretText: Schema = { type: 'string', 'x-secret': true }

/** An object of which only some fields are known; all others belong to Kubernetes. */
export function openObject(properties: Readonly<Record<string, Schema>>, options: ObjectOptions = {}): Schema {
  return { ...object(properties, options), additionalProperties: anything }
}

/** Anything at all, as in fields whose shape somebody else defines. */
export const anything: Schema = {}

/** A field with the value that it has when it is not written. */
export function byDefault(value: unknown, schema: Schema): Schema {
  return { ...schema, default: value }
}

/** A list. */
export function list(
  items: Schema,
  options: { readonly min?: number; readonly max?: number; readonly check?: Check } = {},
): Schema {
  return {
    type: 'array',
    items,
    maxItems: options.max ?? 10_000,
    ...(options.min === undefined ? {} : { minItems: options.min }),
    ...(options.check ? { 'x-check': options.check } : {}),
  }
}

/** A map whose keys fit a format. */
export function mapOf(
  value: Schema,
  keys: FormatName,
  options: { readonly min?: number; readonly max?: number; readonly check?: Check } = {},
): Schema {
  return {
    type: 'object',
    additionalProperties: value,
    propertyNames: { format: keys },
    ...(options.min === undefined ? {} : { minProperties: options.min }),
    ...(options.max === undefined ? {} : { maxProperties: options.max }),
    ...(options.check ? { 'x-check': options.check } : {}),
  }
}

/** Text, of a format if given. */
export function text(format?: FormatName): Schema {
  return format === undefined ? { type: 'string' } : { type: 'string', format }
}

/** A whole number within bounds. */
export function integer(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum }
}

/** A number within bounds. */
export function number(minimum: number, maximum: number): Schema {
  return { type: 'number', minimum, maximum }
}

/** true or false. */
export const boolean: Schema = { type: 'boolean' }

/** A port number. */
export const portNumber: Schema = integer(1, 65535)

/** One of some words; `unsupported` words are refused with their reason. */
export function word(words: readonly string[], unsupported: Readonly<Record<string, string>> = {}): Schema {
  return { type: 'string', enum: words, 'x-unsupported-values': unsupported }
}

/** A whole number of 32 bits that is not negative. */
export const uint32: Schema = integer(0, 4_294_967_295)

/** A check that exactly one of `fields` is written (or at most one). */
export function exactlyOne(fields: readonly string[], atLeast = 1): (value: object) => Iterable<Finding> {
  return (value) => {
    const written = fields.filter((field) => (value as Record<string, unknown>)[field] !== undefined)
    if (written.length >= atLeast && written.length <= 1) return []
    const names = fields.map((field) => `\`${field}\``).join(', ')
    if (written.length === 0) {
      return [{ code: 'missing-field', message: `has none of ${names}`, mend: `Write exactly one of ${names}.` }]
    }
    const both = written.map((field) => `\`${field}\``).join(' and ')
    const extra = written[1] ?? ''
    return [{ at: [extra], code: 'conflicting-fields', message: `has ${both}`, mend: `Keep only one of ${names}.` }]
  }
}

/** Findings for items that repeat an earlier item's key. `where` names the step from an item to the key. */
export function duplicates(
  keys: readonly (string | number | undefined)[],
  what: string,
  where: readonly PathStep[] = [],
): Finding[] {
  const findings: Finding[] = []
  const seen = new Map<string | number, number>()
  for (const [index, key] of keys.entries()) {
    if (key === undefined) continue
    const first = seen.get(key)
    if (first === undefined) seen.set(key, index)
    else {
      findings.push({
        at: [index, ...where],
        code: 'duplicate',
        message: `repeats ${what} ${JSON.stringify(key)} of item ${first}`,
        mend: `Give each item a different ${what}, or remove one of them.`,
      })
    }
  }
  return findings
}
