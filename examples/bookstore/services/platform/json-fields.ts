// Reads what callers send, field by field, and says what is wrong with it.
import { HttpError } from './http-service.ts'

export type Fields = Readonly<Record<string, unknown>>

/** A JSON object; throws an `HttpError` 400 for anything else. */
export function parseFields(text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new HttpError(400, 'the body is not JSON')
  }
  return objectFrom(value, 'the body')
}

/** An object within; 422 otherwise. */
export function objectFrom(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HttpError(422, `${what} must be an object`)
  return value as Fields
}

/** A text of 1 to `lengthMax` characters, trimmed; 422 otherwise. */
export function textField(fields: Fields, name: string, lengthMax = 200): string {
  const value = fields[name]
  const text = typeof value === 'string' ? value.trim() : ''
  if (text === '') throw new HttpError(422, `please give ${name}`)
  if (text.length > lengthMax) throw new HttpError(422, `${name} is too long`)
  return text
}

/** A whole number between the limits; 422 otherwise. */
export function countField(fields: Fields, name: string, min: number, max: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new HttpError(422, `${name} must be a whole number from ${min} to ${max}`)
  }
  return value
}
