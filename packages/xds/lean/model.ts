// What the lean printers print: the listed messages and fields, resolved against the .proto descriptors.
import { type DescEnum, type DescField, type DescFile, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import type { LeanMessage } from './field-group.ts'

/** How one value is represented and where its codec comes from. */
export type LeanKind =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'enum'; readonly name: string; readonly desc: DescEnum }
  | { readonly kind: 'message'; readonly name: string }
  | { readonly kind: 'any' | 'ms' | 'struct' | 'value' | 'list' }
  | { readonly kind: 'wrapper'; readonly scalar: ScalarType }

/** One listed field. */
export interface LeanField {
  readonly name: string
  readonly number: number
  readonly shape: 'single' | 'repeated' | 'map'
  /** Absent is `undefined` rather than a default. */
  readonly optional: boolean
  readonly value: LeanKind
  readonly mapKey: ScalarType | undefined
  /** The other listed members of its oneof: set, they unset this one. */
  readonly rivals: readonly string[]
}

/** One listed message. */
export interface LeanType {
  readonly name: string
  readonly fullName: string
  readonly fields: readonly LeanField[]
  /** `number:name` of every field that is not listed. */
  readonly unlisted: readonly string[]
  readonly write: boolean
}

/** Everything to print. */
export interface LeanModel {
  readonly types: readonly LeanType[]
  readonly enums: ReadonlyMap<string, DescEnum>
}

const wrappers: Readonly<Record<string, ScalarType>> = {
  DoubleValue: ScalarType.DOUBLE,
  FloatValue: ScalarType.FLOAT,
  Int64Value: ScalarType.INT64,
  UInt64Value: ScalarType.UINT64,
  Int32Value: ScalarType.INT32,
  UInt32Value: ScalarType.UINT32,
  BoolValue: ScalarType.BOOL,
  StringValue: ScalarType.STRING,
  BytesValue: ScalarType.BYTES,
}

const wellKnown: Readonly<Record<string, LeanKind>> = {
  Any: { kind: 'any' },
  Duration: { kind: 'ms' },
  Timestamp: { kind: 'ms' },
  Struct: { kind: 'struct' },
  Value: { kind: 'value' },
  ListValue: { kind: 'list' },
}

/** Resolves the list; throws on a message or field that does not exist, and on a field whose message is not listed. */
export function resolveModel(files: readonly DescFile[], list: readonly LeanMessage[]): LeanModel {
  const descs = new Map<string, DescMessage>()
  const visit = (message: DescMessage): void => {
    descs.set(message.typeName, message)
    for (const nested of message.nestedMessages) visit(nested)
  }
  for (const file of files) for (const message of file.messages) visit(message)
  const names = new Map(list.map((entry) => [entry.message, entry.as ?? defaultName(entry.message)]))
  if (new Set(names.values()).size !== list.length) throw new Error('lean/fields.ts: two messages share a name')
  const enums = new Map<string, DescEnum>()
  const types = list.map((entry) => {
    const desc = descs.get(entry.message)
    if (desc === undefined) throw new Error(`lean/fields.ts: no message ${entry.message}`)
    return resolveType(desc, entry, names, enums)
  })
  return { types, enums }
}

function defaultName(fullName: string): string {
  const parts = fullName.split('.')
  return parts.slice(parts.findIndex((part) => /^[A-Z]/.test(part))).join('_')
}

function resolveType(
  desc: DescMessage,
  entry: LeanMessage,
  names: ReadonlyMap<string, string>,
  enums: Map<string, DescEnum>,
): LeanType {
  const wanted = new Set(entry.fields.split(/\s+/).filter((name) => name !== ''))
  const known = new Map(desc.fields.map((field) => [field.name, field]))
  for (const name of wanted) if (!known.has(name)) throw new Error(`lean/fields.ts: no field ${entry.message}.${name}`)
  const listed = desc.fields.filter((field) => wanted.has(field.name))
  return {
    name: names.get(entry.message) as string,
    fullName: entry.message,
    fields: listed.map((field) => resolveField(field, listed, names, enums)),
    unlisted: desc.fields.filter((field) => !wanted.has(field.name)).map((field) => `${field.number}:${field.name}`),
    write: entry.write === true,
  }
}

function resolveField(
  field: DescField,
  listed: readonly DescField[],
  names: ReadonlyMap<string, string>,
  enums: Map<string, DescEnum>,
): LeanField {
  const value = resolveKind(field, names, enums)
  const oneof = field.oneof
  const plain = value.kind === 'scalar' || value.kind === 'enum'
  const explicit = field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? field.proto.proto3Optional : false
  return {
    name: field.localName,
    number: field.number,
    shape: field.fieldKind === 'list' ? 'repeated' : field.fieldKind === 'map' ? 'map' : 'single',
    optional: field.fieldKind !== 'list' && field.fieldKind !== 'map' && (!plain || oneof !== undefined || explicit),
    value,
    mapKey: field.fieldKind === 'map' ? field.mapKey : undefined,
    rivals:
      oneof === undefined
        ? []
        : listed.filter((other) => other.oneof === oneof && other !== field).map((other) => other.localName),
  }
}

function resolveKind(field: DescField, names: ReadonlyMap<string, string>, enums: Map<string, DescEnum>): LeanKind {
  if (field.message !== undefined) {
    const full = field.message.typeName
    if (full.startsWith('google.protobuf.')) {
      const short = full.slice('google.protobuf.'.length)
      const wrapped = wrappers[short]
      if (wrapped !== undefined) return { kind: 'wrapper', scalar: wrapped }
      const known = wellKnown[short]
      if (known === undefined) throw new Error(`lean: ${full} is not supported`)
      return known
    }
    const name = names.get(full)
    if (name === undefined) throw new Error(`lean/fields.ts: ${field.toString()} needs ${full} to be listed`)
    return { kind: 'message', name }
  }
  if (field.enum !== undefined) {
    const name = defaultName(field.enum.typeName)
    const before = enums.get(name)
    if (before !== undefined && before !== field.enum && before.typeName !== field.enum.typeName)
      throw new Error(`lean: two enums are called ${name}`)
    enums.set(name, field.enum)
    return { kind: 'enum', name, desc: field.enum }
  }
  return { kind: 'scalar', scalar: field.scalar as ScalarType }
}
