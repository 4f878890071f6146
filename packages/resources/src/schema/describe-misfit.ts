// Turns what ajv reports into sentences for people.
import type { ErrorObject } from 'ajv'
import type { PathStep } from '../field-path.ts'
import { didYouMean } from './did-you-mean.ts'
import { type FormatName, formats } from './formats.ts'
import { shown } from './shaped.ts'
import type { LocatedFinding, Schema } from './schema.ts'

/** A finding for an ajv error; undefined for errors that only summarise others. */
export function describeMisfit(error: ErrorObject, at: readonly PathStep[]): LocatedFinding | undefined {
  const schema = error.parentSchema as Schema
  const params = error.params as Readonly<Record<string, unknown>>
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(schema, at, String(params['additionalProperty']))
    case 'required': {
      const field = String(params['missingProperty'])
      return { at, code: 'missing-field', message: `has no \`${field}\``, mend: `Add \`${field}\`.` }
    }
    case 'type':
      return wrongType(schema, at, error.data)
    case 'enum':
      return wrongWord(schema, at, error.data)
    case 'format':
      return misformed(error, at, params['format'] as FormatName)
    case 'minimum':
    case 'maximum':
      return range(schema, at, error.data)
    case 'minItems':
    case 'minProperties':
      return { at, code: 'empty', message: 'is empty', mend: 'Add at least one entry, or remove the field.' }
    case 'maxProperties':
      return { at, code: 'too-long', message: `has more than ${schema.maxProperties} entries`, mend: 'Remove some.' }
    case 'maxItems':
      return { at, code: 'too-long', message: `has more than ${schema.maxItems} entries`, mend: 'Split it.' }
    default:
      return undefined
  }
}

function unknownField(schema: Schema, parent: readonly PathStep[], field: string): LocatedFinding {
  const at = [...parent, field]
  const reason = schema['x-unsupported']
  if (reason !== undefined && Object.hasOwn(reason, field)) {
    return {
      at,
      code: 'unsupported-field',
      message: 'is not supported by Weft yet',
      mend: reason[field] ?? 'Remove it.',
    }
  }
  const known = Object.keys(schema.properties ?? {}).filter((name) => !isRefused(schema, name))
  const meant = didYouMean(field, Object.keys(schema.properties ?? {}))
  const mend = meant === undefined ? `Remove it; known here: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`
  return { at, code: 'unknown-field', message: 'is not a known field', mend }
}

function isRefused(schema: Schema, field: string): boolean {
  return schema.properties?.[field]?.['x-refused'] !== undefined
}

const article: Readonly<Record<string, string>> = {
  object: 'a mapping (fields)',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'empty (null)',
}

function wrongType(schema: Schema, at: readonly PathStep[], data: unknown): LocatedFinding {
  const wanted = typeof schema.type === 'string' ? [schema.type] : [...(schema.type ?? [])]
  const found = data === null ? 'null' : Array.isArray(data) ? 'array' : typeof data
  const expected = wanted.map((type) => article[type] ?? type).join(' or ')
  const plain = found !== 'object' && found !== 'array' && found !== 'null'
  if (schema['x-secret'] === true && plain) {
    return { at, code: 'wrong-type', message: `must be ${expected}`, mend: 'Put it in quotes.' }
  }
  const value = plain ? shown(data) : (article[found] ?? found)
  return {
    at,
    code: 'wrong-type',
    message: `must be ${expected}, not ${value}`,
    mend: typeMend(schema, wanted, found, data),
  }
}

function typeMend(schema: Schema, wanted: readonly string[], found: string, data: unknown): string {
  if (found === 'null') return 'Give it a value, or remove the field.'
  const plain = found !== 'object' && found !== 'array'
  if (wanted.includes('string') && plain) return quotesMend(schema, String(data))
  if (wanted.includes('array')) return listMend(schema, plain ? data : undefined)
  if (wanted.includes('object')) return fieldsMend(schema, plain ? data : undefined)
  if (found === 'string' && /^-?\d+$/.test(String(data))) return `Remove the quotes: ${String(data)}.`
  return `Write ${article[wanted[0] ?? ''] ?? 'a fitting value'}.`
}

/** Quotes help only where what is in them fits. */
function quotesMend({ enum: words, format }: Schema, text: string): string {
  if (words !== undefined && !words.includes(text)) return `Use one of ${words.join(', ')}.`
  const fault = format === undefined ? undefined : formats[format](text)
  return fault?.mend ?? `Put it in quotes: ${JSON.stringify(text)}.`
}

/** `data`: a single value that stands where a list should. */
function listMend({ items }: Schema, data: unknown): string {
  if (items === undefined || data === undefined || !takes(items, data)) {
    return 'Write its entries as a list, each after "- ".'
  }
  // A command line, most likely.
  const values = typeof data === 'string' ? data.trim().split(/\s+/) : [data]
  return `Make it a list: [${values.map(inFlow).join(', ')}].`
}

/** A value as it can stand between brackets in YAML. */
function inFlow(value: unknown): string {
  const plain = typeof value !== 'string' || (/^[a-z_/][\w./:-]*$/i.test(value) && !/^(true|false|null)$/i.test(value))
  return plain ? String(value) : JSON.stringify(value)
}

const shownFields = 6

/** `data`: a single value that stands where fields should. */
function fieldsMend(schema: Schema, data: unknown): string {
  const { properties, additionalProperties } = schema
  if (properties === undefined) {
    return additionalProperties === undefined || additionalProperties === false
      ? 'Write its fields indented below it.'
      : 'Write its entries as `name: value`, indented below it.'
  }
  const known = Object.keys(properties).filter((name) => !isRefused(schema, name))
  const fitting = known.find((name) => data !== undefined && takes(properties[name] as Schema, data))
  const example = fitting === undefined ? '' : `, for example { ${fitting}: ${inFlow(data)} }`
  return `Write its fields (${known.slice(0, shownFields).join(', ')}${known.length > shownFields ? ', ...' : ''})${example}.`
}

/** Whether a single value could stand where the schema is. */
function takes({ type, enum: words, format }: Schema, data: unknown): boolean {
  const types = typeof type === 'string' ? [type] : (type ?? [])
  if (words !== undefined && !words.includes(data as string | number)) return false
  if (typeof data === 'string') {
    return types.includes('string') && (format === undefined || formats[format](data) === undefined)
  }
  if (typeof data !== 'number') return types.includes(typeof data)
  return types.includes('number') || (types.includes('integer') && Number.isInteger(data))
}

function wrongWord(schema: Schema, at: readonly PathStep[], data: unknown): LocatedFinding | undefined {
  if (typeof data === 'number' && schema.type === 'integer' && Number.isInteger(data)) {
    const numbers = (schema.enum ?? []).join(', ')
    return { at, code: 'unknown-value', message: `${data} is not one of ${numbers}`, mend: `Use one of ${numbers}.` }
  }
  // A value of another type is reported as such already.
  if (typeof data !== 'string') return undefined
  const reason = schema['x-unsupported-values']
  if (reason !== undefined && Object.hasOwn(reason, data)) {
    const message = `${shown(data)} is not supported by Weft yet`
    return { at, code: 'unsupported-value', message, mend: reason[data] ?? 'Use another value.' }
  }
  const words = (schema.enum ?? []).map(String)
  const meant = didYouMean(data, words)
  const mend = meant === undefined ? `Use one of ${words.join(', ')}.` : `Did you mean ${meant}?`
  return { at, code: 'unknown-value', message: `${shown(data)} is not one of ${words.join(', ')}`, mend }
}

function misformed(error: ErrorObject, at: readonly PathStep[], format: FormatName): LocatedFinding | undefined {
  const key = error.propertyName
  const fault = formats[format](key ?? String(error.data))
  if (fault === undefined) return undefined
  return { at: key === undefined ? at : [...at, key], ...fault }
}

function range(schema: Schema, at: readonly PathStep[], data: unknown): LocatedFinding {
  const bounds =
    schema.maximum === undefined ? `at least ${schema.minimum}` : `from ${schema.minimum} to ${schema.maximum}`
  return {
    at,
    code: 'out-of-range',
    message: `must be ${bounds}, not ${shown(data)}`,
    mend: `Write a number ${bounds.replace('at least', 'of at least')}.`,
  }
}
