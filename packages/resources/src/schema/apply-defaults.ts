// Defaults of a schema, filled in as the Kubernetes API server does: from the outside in, below written objects only.
import type { Schema } from './schema.ts'

const known = new WeakMap<Schema, boolean>()

/** A value with the defaults of its schema; the same value when none is missing. Never changes `value`. */
export function applyDefaults(schema: Schema, value: unknown): unknown {
  if (!hasDefaults(schema) || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return schema.items === undefined ? value : ofList(schema.items, value)
  return ofObject(schema, value as Readonly<Record<string, unknown>>)
}

function ofList(items: Schema, value: readonly unknown[]): readonly unknown[] {
  const next = value.map((item) => applyDefaults(items, item))
  return next.some((item, index) => item !== value[index]) ? next : value
}

function ofObject(schema: Schema, value: Readonly<Record<string, unknown>>): unknown {
  let next: Record<string, unknown> | undefined
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const written = Object.hasOwn(value, name) ? value[name] : undefined
    const full = applyDefaults(field, written === undefined ? field.default : written)
    if (full !== written) (next ??= { ...value })[name] = full
  }
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) {
    for (const [name, member] of Object.entries(value)) {
      if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) continue
      const full = applyDefaults(schema.additionalProperties, member)
      if (full !== member) (next ??= { ...value })[name] = full
    }
  }
  return next ?? value
}

/** Whether a schema has defaults at any depth, so that all others are passed by. */
function hasDefaults(schema: Schema): boolean {
  const answer = known.get(schema)
  if (answer !== undefined) return answer
  const below = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties || undefined]
  const found = below.some((field) => field !== undefined && (field.default !== undefined || hasDefaults(field)))
  known.set(schema, found)
  return found
}
