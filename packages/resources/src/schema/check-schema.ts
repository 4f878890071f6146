// Judges a value by a schema: ajv finds what does not fit, our checks judge what does.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { PathStep } from '../field-path.ts'
import { describeMisfit } from './describe-misfit.ts'
import { formats } from './formats.ts'
import { pendingFinding, refusedFinding, refusedOnWeftFinding } from './describe-effect.ts'
import type { LocatedFinding, Pending, Schema } from './schema.ts'

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: false,
  validateSchema: false,
  // Half the time to compile a schema went into this, and what it compiles to is no faster here.
  code: { optimize: false },
  formats: Object.fromEntries(Object.entries(formats).map(([name, check]) => [name, (text: string) => !check(text)])),
})
const compiled = new WeakMap<Schema, ValidateFunction>()

/** Compiles a schema once, also ahead of need. */
function compileSchema(schema: Schema): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    compiled.set(schema, validate)
  }
  return validate
}

/**
 * Everything that is wrong with `value`: misfits by ajv, then findings of checks on the parts that fit. Fields without effect
 * are told of where they are `written`, which is `value` before its defaults.
 */
export function checkSchema(schema: Schema, value: unknown, written: unknown = value): LocatedFinding[] {
  const validate = compileSchema(schema)
  const findings: LocatedFinding[] = []
  if (!validate(value)) {
    for (const error of validate.errors ?? []) {
      const described = describeMisfit(error, stepsTo(value, error.instancePath))
      if (described !== undefined) findings.push(described)
    }
  }
  const broken = new BrokenParts(validate.errors ?? [])
  runChecks(schema, value, written, { path: [], broken, findings, told: 'nothing' })
  return findings
}

/** Which subtrees do not have the types their schema promises. */
class BrokenParts {
  readonly #pointers = new Set<string>()

  constructor(errors: readonly ErrorObject[]) {
    for (const error of errors) {
      // Other misfits (an unknown field, a number out of range) leave the types as promised.
      if (error.keyword !== 'type' && error.keyword !== 'required') continue
      let pointer = error.instancePath
      for (;;) {
        this.#pointers.add(pointer)
        if (pointer === '') break
        pointer = pointer.slice(0, pointer.lastIndexOf('/'))
      }
    }
  }

  has(path: readonly PathStep[]): boolean {
    if (this.#pointers.size === 0) return false
    const escaped = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    return this.#pointers.has(escaped.join(''))
  }
}

interface Walk {
  /** From the root to where the walk is; one list for the whole walk. */
  readonly path: PathStep[]
  readonly broken: BrokenParts
  readonly findings: LocatedFinding[]
  /** What was said of something above: that it is refused or has no effect (then that says it all), or none on one of the proxies. */
  readonly told: 'nothing' | Pending['proxies']
}

const concerned = new WeakMap<Schema, boolean>()

/** Whether a schema, or one below it, has anything that ajv does not look at: most of what is written needs no second walk. */
function concerns(schema: Schema): boolean {
  const known = concerned.get(schema)
  if (known !== undefined) return known
  // A schema that holds itself is walked.
  concerned.set(schema, true)
  const { properties = {}, items, additionalProperties } = schema
  const below = [...Object.values(properties), items, additionalProperties || undefined]
  const own = [
    'x-check',
    'x-pending',
    'x-pending-values',
    'x-refused',
    'x-refused-weft',
    'x-refused-weft-values',
  ] as const
  const found =
    own.some((key) => schema[key] !== undefined) || below.some((each) => each !== undefined && concerns(each))
  concerned.set(schema, found)
  return found
}

function runChecks(schema: Schema, value: unknown, written: unknown, above: Walk): void {
  if (!concerns(schema)) return
  const walk = above.told === 'all' || written === undefined ? above : tellEffect(schema, written, above)
  const { path } = walk
  if (Array.isArray(value)) {
    if (schema.items !== undefined) {
      for (const [index, item] of value.entries()) {
        path.push(index)
        runChecks(schema.items, item, memberOf(written, index), walk)
        path.pop()
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      const known = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined
      const next = known ?? (schema.additionalProperties || undefined)
      if (next === undefined || !concerns(next)) continue
      path.push(key)
      runChecks(next, (value as Readonly<Record<string, unknown>>)[key], memberOf(written, key), walk)
      path.pop()
    }
  }
  const check = schema['x-check']
  if (check === undefined || walk.broken.has(path)) return
  for (const finding of check(value)) {
    walk.findings.push({ ...finding, at: [...path, ...(finding.at ?? [])] })
  }
}

function memberOf(value: unknown, step: PathStep): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
  return (value as Readonly<Record<PathStep, unknown>>)[step]
}

/** Says that a field is refused or has no effect. */
function tellEffect(schema: Schema, value: unknown, walk: Walk): Walk {
  const refusal = schema['x-refused']
  if (refusal !== undefined) {
    walk.findings.push(refusedFinding([...walk.path], refusal))
    return { ...walk, told: 'all' }
  }
  const onWeft =
    schema['x-refused-weft'] ?? (typeof value === 'string' ? own(schema['x-refused-weft-values'], value) : undefined)
  if (onWeft !== undefined) walk.findings.push(refusedOnWeftFinding([...walk.path], onWeft))
  const values = schema['x-pending-values']
  const ofValue = typeof value === 'string' && values !== undefined && Object.hasOwn(values, value)
  const pending = schema['x-pending'] ?? (ofValue ? values[value] : undefined)
  if (pending === undefined || pending.proxies === walk.told) return walk
  walk.findings.push(pendingFinding([...walk.path], pending))
  return { ...walk, told: pending.proxies }
}

function own(values: Readonly<Record<string, string>> | undefined, value: string): string | undefined {
  return values !== undefined && Object.hasOwn(values, value) ? values[value] : undefined
}

/** A JSON pointer (RFC 6901) as steps; indices become numbers where the value has a list. */
function stepsTo(value: unknown, pointer: string): PathStep[] {
  const steps: PathStep[] = []
  let at: unknown = value
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const step = Array.isArray(at) ? Number(name) : name
    steps.push(step)
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[name]
  }
  return steps
}
