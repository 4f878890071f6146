// What a Kubernetes API server says of an object: the structural schema of a CRD with its defaults, and its CEL rules.
import { celEnv, celFunc, CelScalar, isCelError, parse, plan } from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { isIP } from 'node:net'
import { RE2JS } from 're2js'

/** A node of a CRD's `openAPIV3Schema`. */
export interface CrdSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly properties?: Readonly<Record<string, CrdSchema>>
  readonly additionalProperties?: CrdSchema
  readonly items?: CrdSchema
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly oneOf?: readonly CrdSchema[]
  readonly anyOf?: readonly CrdSchema[]
  readonly not?: CrdSchema
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[]
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

/** A fault: where, and which keyword or rule says so. */
export interface CrdFault {
  readonly at: string
  readonly by: string
}

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value with the defaults of its schema, as the API server fills them in. */
export function crdDefaults(schema: CrdSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => crdDefaults(schema.items ?? {}, item))
  if (!isObject(value)) return value
  const full: Record<string, unknown> = { ...value }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (full[name] === undefined && field.default !== undefined) full[name] = structuredClone(field.default)
    if (full[name] !== undefined) full[name] = crdDefaults(field, full[name])
  }
  return full
}

/** Everything that is wrong with a value that has its defaults. */
export function crdFaults(schema: CrdSchema, value: unknown, at = ''): CrdFault[] {
  const structural = [...ofNode(schema, value, at)]
  return structural.length > 0 ? structural : [...rulesOf(schema, value, at)]
}

function* ofNode(schema: CrdSchema, value: unknown, at: string): Iterable<CrdFault> {
  if (!hasType(schema.type, value)) {
    yield { at, by: 'type' }
    return
  }
  for (const by of brokenBounds(schema, value)) yield { at, by }
  if (Array.isArray(value)) {
    if (repeats(schema, value)) yield { at, by: 'list-type' }
    for (const [index, item] of value.entries()) yield* ofNode(schema.items ?? {}, item, `${at}[${index}]`)
  } else if (isObject(value) && schema.type === 'object') {
    for (const name of schema.required ?? [])
      if (value[name] === undefined) yield { at: `${at}.${name}`, by: 'required' }
    for (const [name, member] of Object.entries(value)) {
      const field = schema.properties?.[name] ?? schema.additionalProperties
      if (field !== undefined) yield* ofNode(field, member, `${at}.${name}`)
      // `metadata` has no fields of its own in a CRD.
      else if (schema.properties !== undefined) yield { at: `${at}.${name}`, by: 'unknown' }
    }
  }
}

function hasType(type: CrdSchema['type'], value: unknown): boolean {
  if (type === undefined) return true
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

const expressions = new Map<string, RE2JS>()

function fits(pattern: string, text: string): boolean {
  let compiled = expressions.get(pattern)
  if (compiled === undefined) expressions.set(pattern, (compiled = RE2JS.compile(pattern)))
  return compiled.matcher(text).find()
}

function* brokenBounds(schema: CrdSchema, value: unknown): Iterable<string> {
  if (schema.enum !== undefined && !schema.enum.includes(value)) yield 'enum'
  if (typeof value === 'string') yield* brokenTextBounds(schema, value)
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? -Infinity)) yield 'minimum'
    if (value > (schema.maximum ?? Infinity)) yield 'maximum'
  }
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) yield 'minItems'
    if (value.length > (schema.maxItems ?? Infinity)) yield 'maxItems'
  } else if (isObject(value)) {
    const count = Object.keys(value).length
    if (count < (schema.minProperties ?? 0)) yield 'minProperties'
    if (count > (schema.maxProperties ?? Infinity)) yield 'maxProperties'
  }
  if (schema.oneOf !== undefined && schema.oneOf.filter((each) => passes(each, value)).length !== 1) yield 'oneOf'
  if (schema.anyOf !== undefined && !schema.anyOf.some((each) => passes(each, value))) yield 'anyOf'
  if (schema.not !== undefined && passes(schema.not, value)) yield 'not'
}

function* brokenTextBounds(schema: CrdSchema, value: string): Iterable<string> {
  const length = Array.from(value).length
  if (length < (schema.minLength ?? 0)) yield 'minLength'
  if (length > (schema.maxLength ?? Infinity)) yield 'maxLength'
  if (schema.pattern !== undefined && !fits(schema.pattern, value)) yield 'pattern'
  if (schema.format === 'ipv4' && isIP(value) !== 4) yield 'format'
  if (schema.format === 'ipv6' && isIP(value) !== 6) yield 'format'
}

/** A branch of oneOf: only what it says of fields that are there. */
function passes(schema: CrdSchema, value: unknown): boolean {
  if ([...brokenBounds(schema, value)].length > 0) return false
  const fields = isObject(value) ? Object.entries(schema.properties ?? {}) : []
  return fields.every(([name, field]) => {
    const member = (value as Json)[name]
    return member === undefined || passes(field, member)
  })
}

function repeats(schema: CrdSchema, items: readonly unknown[]): boolean {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return false
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const texts = items.map((item) => JSON.stringify(type === 'set' ? item : keys.map((key) => (item as Json)?.[key])))
  return new Set(texts).size < texts.length
}

const env = celEnv({
  funcs: [
    ...strings,
    celFunc('isIP', [CelScalar.STRING], CelScalar.BOOL, (text) => isIP(text) !== 0),
    celFunc(
      'isDnsLabel',
      [CelScalar.STRING],
      CelScalar.BOOL,
      (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
    ),
  ],
})

const planned = new Map<string, ReturnType<typeof plan>>()

function holds(rule: string, self: unknown): boolean {
  let evaluate = planned.get(rule)
  if (evaluate === undefined) {
    // Kubernetes' own library of formats is not part of CEL.
    const text = rule.replace('format.dns1123Label().validate(self) == null', 'isDnsLabel(self)')
    planned.set(rule, (evaluate = plan(env, parse(text))))
  }
  const result = evaluate({ self } as never)
  return !isCelError(result) && result === true
}

function* rulesOf(schema: CrdSchema, value: unknown, at: string): Iterable<CrdFault> {
  for (const { rule } of schema['x-kubernetes-validations'] ?? []) {
    // Rules about changes say nothing of an object that is new.
    if (!rule.includes('oldSelf') && !holds(rule, celValue(schema, value))) yield { at, by: rule }
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* rulesOf(schema.items ?? {}, item, `${at}[${index}]`)
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const field = schema.properties?.[name] ?? schema.additionalProperties
      if (field !== undefined) yield* rulesOf(field, member, `${at}.${name}`)
    }
  }
}

/** A value as CEL sees it: whole numbers are ints, and a field called `namespace` has the name that CEL can say. */
function celValue(schema: CrdSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item))
  if (typeof value === 'number' && schema.type === 'integer') return BigInt(value)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, member]) => {
    const field = schema.properties?.[name]
    return [
      field !== undefined && name === 'namespace' ? '__namespace__' : name,
      celValue(field ?? schema.additionalProperties ?? {}, member),
    ]
  })
  return Object.fromEntries(entries) as unknown
}
