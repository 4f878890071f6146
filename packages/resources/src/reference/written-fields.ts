// Which fields of its kind's schema an object writes.
import type { FieldRow } from './field-status.ts'

/** Whether a value, read from the root of its object, holds a field (or the value a row is about). */
export function writes(object: unknown, row: Pick<FieldRow, 'steps' | 'value'>): boolean {
  return holds(object, row.steps, row.value)
}

function holds(value: unknown, steps: readonly string[], wanted: string | undefined): boolean {
  const [step, ...rest] = steps
  if (step === undefined) return value !== undefined && (wanted === undefined || value === wanted)
  if (typeof value !== 'object' || value === null) return false
  if (step === '[]') return Array.isArray(value) && value.some((item) => holds(item, rest, wanted))
  if (step === '<>') return Object.values(value).some((member) => holds(member, rest, wanted))
  return Object.hasOwn(value, step) && holds((value as Readonly<Record<string, unknown>>)[step], rest, wanted)
}

/** A copy of an object without a field. */
export function without(object: unknown, row: Pick<FieldRow, 'steps'>): unknown {
  return copy(object, row.steps)
}

function copy(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined || typeof value !== 'object' || value === null) return value
  const last = rest.every((later) => later === '[]' || later === '<>')
  if (step === '[]') return Array.isArray(value) ? value.map((item) => copy(item, rest)) : value
  const entries = Object.entries(value)
  if (step === '<>') return Object.fromEntries(entries.map(([key, member]) => [key, copy(member, rest)]))
  if (last) return Object.fromEntries(entries.filter(([key]) => key !== step))
  return Object.fromEntries(entries.map(([key, member]) => [key, key === step ? copy(member, rest) : member]))
}
