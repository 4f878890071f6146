// Judges a value by a schema: ajv finds what does not fit, our checks judge what does.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { PathStep } from '../field-path.ts'
import { describeMisfit } from './describe-misfit.ts'
import { formats } from './formats.ts'
import { pendingFinding, refusedFinding, refusedOnWeftFinding } from './describe-effect.ts'
import type { Check, LocatedFinding, Schema } from './schema.ts'

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: false,
  validateSchema: false,
  formats: Object.fromEntries(Object.entries(formats).map(([name, check]) => [name, (text: string) => !check(text)])),
})
const compiled = new WeakMap<Schema, ValidateFunction>()

/** Compiles a schema once, also ahead of need. */
export function compileSchema(schema: Schema): ValidateFunction {
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
  runChecks(schema, value, written, { steps: [], pointer: '', broken, findings, told: 'nothing' })
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

  has(pointer: string): boolean {
    return this.#pointers.has(pointer)
  }
}

interface Walk {
  readonly steps: readonly PathStep[]
  readonly pointer: string
  readonly broken: BrokenParts
  readonly findings: LocatedFinding[]
  /** What was said of something above: that it is refused or has no effect (then that says it all), or none on Weft's proxy. */
  readonly told: 'nothing' | 'weft' | 'all'
}

function runChecks(schema: Schema, value: unknown, written: unknown, above: Walk): void {
  const walk = above.told === 'all' || written === undefined ? above : tellEffect(schema, written, above)
  if (Array.isArray(value)) {
    if (schema.items !== undefined) {
      for (const [index, item] of value.entries())
        runChecks(schema.items, item, memberOf(written, index), deeper(walk, index))
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const known = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined
      const next = known ?? (schema.additionalProperties || undefined)
      if (next !== undefined) runChecks(next, member, memberOf(written, key), deeper(walk, key))
    }
  }
  const check = schema['x-check']
  if (check === undefined || walk.broken.has(walk.pointer)) return
  for (const finding of (check as Check)(value as never)) {
    walk.findings.push({ ...finding, at: [...walk.steps, ...(finding.at ?? [])] })
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
    walk.findings.push(refusedFinding(walk.steps, refusal))
    return { ...walk, told: 'all' }
  }
  const onWeft =
    schema['x-refused-weft'] ?? (typeof value === 'string' ? own(schema['x-refused-weft-values'], value) : undefined)
  if (onWeft !== undefined) walk.findings.push(refusedOnWeftFinding(walk.steps, onWeft))
  const values = schema['x-pending-values']
  const ofValue = typeof value === 'string' && values !== undefined && Object.hasOwn(values, value)
  const pending = schema['x-pending'] ?? (ofValue ? values[value] : undefined)
  if (pending === undefined || pending.proxies === walk.told) return walk
  walk.findings.push(pendingFinding(walk.steps, pending))
  return { ...walk, told: pending.proxies }
}

function own(values: Readonly<Record<string, string>> | undefined, value: string): string | undefined {
  return values !== undefined && Object.hasOwn(values, value) ? values[value] : undefined
}

function deeper(walk: Walk, step: PathStep): Walk {
  const escaped = String(step).replaceAll('~', '~0').replaceAll('/', '~1')
  return { ...walk, steps: [...walk.steps, step], pointer: `${walk.pointer}/${escaped}` }
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
