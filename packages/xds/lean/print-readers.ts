// Prints the readers, the factories and the types of the lean messages.
import { ScalarType } from '@bufbuild/protobuf'
import type { LeanField, LeanKind, LeanModel, LeanType } from './model.ts'

/** Method of LeanReader and LeanWriter, wire type, TypeScript type and default of a scalar. */
export interface ScalarCodec {
  readonly read: string
  readonly write: string
  readonly wire: 0 | 1 | 2 | 5
  readonly type: string
  readonly zero: string
}

function codec(read: string, write: string, wire: 0 | 1 | 2 | 5, type: string, zero: string): ScalarCodec {
  return { read, write, wire, type, zero }
}

/** The codec of every protobuf scalar. */
export const scalarCodecs: Readonly<Record<ScalarType, ScalarCodec>> = {
  [ScalarType.DOUBLE]: codec('double', 'double', 1, 'number', '0'),
  [ScalarType.FLOAT]: codec('float', 'float', 5, 'number', '0'),
  [ScalarType.INT64]: codec('int64', 'int64', 0, 'number', '0'),
  [ScalarType.UINT64]: codec('uint64', 'int64', 0, 'number', '0'),
  [ScalarType.INT32]: codec('int32', 'int64', 0, 'number', '0'),
  [ScalarType.FIXED64]: codec('fixed64', 'unsupported', 1, 'number', '0'),
  [ScalarType.FIXED32]: codec('fixed32', 'unsupported', 5, 'number', '0'),
  [ScalarType.BOOL]: codec('bool', 'bool', 0, 'boolean', 'false'),
  [ScalarType.STRING]: codec('string', 'string', 2, 'string', "''"),
  [ScalarType.BYTES]: codec('data', 'data', 2, 'Uint8Array', 'noBytes'),
  [ScalarType.UINT32]: codec('uint32', 'uint32', 0, 'number', '0'),
  [ScalarType.SFIXED32]: codec('sfixed32', 'unsupported', 5, 'number', '0'),
  [ScalarType.SFIXED64]: codec('sfixed64', 'unsupported', 1, 'number', '0'),
  [ScalarType.SINT32]: codec('sint32', 'unsupported', 0, 'number', '0'),
  [ScalarType.SINT64]: codec('sint64', 'unsupported', 0, 'number', '0'),
}

/** The wire type of one value. */
export function wireOf(value: LeanKind): number {
  return value.kind === 'scalar' ? scalarCodecs[value.scalar].wire : value.kind === 'enum' ? 0 : 2
}

/** The name of the constant that decodes an enum. */
export function enumTable(name: string): string {
  return `enum${name}`
}

function messageReader(value: LeanKind): string {
  switch (value.kind) {
    case 'message':
      return `body${value.name}`
    case 'any':
      return 'readAny'
    case 'ms':
      return 'readMs'
    case 'struct':
      return 'readStruct'
    case 'value':
      return 'readValue'
    case 'list':
      return 'readList'
    case 'wrapper':
      return `wrapped${ScalarType[value.scalar]}`
    default:
      throw new Error(`no message reader for ${value.kind}`)
  }
}

/** An expression that reads one value; `into` is the value to merge with. */
function readExpression(value: LeanKind, into?: string): string {
  if (value.kind === 'scalar') return `r.${scalarCodecs[value.scalar].read}()`
  if (value.kind === 'enum') return `enumName(${enumTable(value.name)}, r.int32())`
  return `r.message(${messageReader(value)}${into === undefined ? '' : `, ${into}`})`
}

function zeroOf(value: LeanKind): string {
  if (value.kind === 'scalar') return scalarCodecs[value.scalar].zero
  if (value.kind === 'enum') return JSON.stringify(value.desc.values[0]?.name)
  return 'undefined'
}

/** What an absent value of a map entry stands for: the message with nothing set. */
function mapZero(value: LeanKind): string {
  if (value.kind === 'scalar' || value.kind === 'enum') return zeroOf(value)
  if (value.kind === 'message') return `empty${value.name}()`
  return `${messageReader(value)}(nothing)`
}

function defaultOf(field: LeanField): string {
  if (field.shape === 'repeated') return '[]'
  if (field.shape === 'map') return 'new Map()'
  return field.optional ? 'undefined' : zeroOf(field.value)
}

function cases(field: LeanField): string[] {
  const tag = (wire: number): number => (field.number * 8 + wire) >>> 0
  const target = `m.${field.name}`
  if (field.shape === 'map') {
    const key = scalarCodecs[field.mapKey as ScalarType]
    const keyPart = `{ wire: ${key.wire}, read: (r) => r.${key.read}(), zero: () => ${key.zero} }`
    const valuePart = `{ wire: ${wireOf(field.value)}, read: (r) => ${readExpression(field.value)}, zero: () => ${mapZero(field.value)} }`
    return [`case ${tag(2)}: r.entry(${target}, ${keyPart}, ${valuePart}); break`]
  }
  if (field.shape === 'repeated') {
    const wire = wireOf(field.value)
    const out = [`case ${tag(wire)}: ${target}.push(${readExpression(field.value)}); break`]
    if (wire !== 2) out.push(`case ${tag(2)}: r.packed(${target}, (r) => ${readExpression(field.value)}); break`)
    return out
  }
  const clear = field.rivals.map((name) => `m.${name} = `).join('')
  const merges = field.value.kind === 'message' || field.value.kind === 'any' || field.value.kind === 'struct'
  const read = `${target} = ${readExpression(field.value, merges ? target : undefined)}`
  return [`case ${tag(wireOf(field.value))}: ${clear === '' ? '' : `${clear}undefined; `}${read}; break`]
}

function printType(type: LeanType): string {
  const listed = type.fields.map((field) => field.number).join(' ')
  const defaults = type.fields.map((field) => `${field.name}: ${defaultOf(field)}`).join(', ')
  return `function empty${type.name}() { return { ${defaults} } }
export function new${type.name}(init) { return Object.assign(empty${type.name}(), init) }
function body${type.name}(r, into) {
  const m = into ?? empty${type.name}()
  while (r.pos < r.end) {
    const tag = r.tag()
    switch (tag) {
${type.fields
  .flatMap(cases)
  .map((line) => `      ${line}`)
  .join('\n')}
      default: r.other(tag, '${type.fullName}', '${listed}', '${type.unlisted.join(' ')}')
    }
  }
  return m
}
export function read${type.name}(bytes, unlisted) { return body${type.name}(new LeanReader(bytes, unlisted)) }
`
}

/** index.js without the writers. */
export function printReaders(model: LeanModel): string {
  const enums = [...model.enums].map(([name, desc]) => {
    const pairs = desc.values.map((value) => `[${value.number}, '${value.name}']`).join(', ')
    return `const ${enumTable(name)} = new Map([${pairs}])`
  })
  const wrappers = [
    ...new Set(
      model.types.flatMap((type) => type.fields.flatMap((f) => (f.value.kind === 'wrapper' ? [f.value.scalar] : []))),
    ),
  ].map((scalar) => {
    const { read, wire, zero } = scalarCodecs[scalar]
    return `const wrapped${ScalarType[scalar]} = wrapperReader(${8 + wire}, (r) => r.${read}(), ${zero})`
  })
  const urls = model.types.map((type) => `  ${type.name}: 'type.googleapis.com/${type.fullName}',`)
  return `// Generated by scripts/protoc-gen-weft-lean.ts from lean/fields.ts.
import { LeanReader } from '../../src/lean-wire.ts'
import { readAny, readList, readMs, readStruct, readValue, wrapperReader } from '../../src/lean-well-known.ts'

const noBytes = new Uint8Array(0)
const nothing = new LeanReader(noBytes, [])
function enumName(table, number) { return table.get(number) ?? \`UNKNOWN_\${number}\` }
${enums.join('\n')}
${wrappers.join('\n')}

export const typeUrls = {
${urls.join('\n')}
}

${model.types.map(printType).join('\n')}`
}

/** The TypeScript type of one value. */
function typeOf(value: LeanKind): string {
  switch (value.kind) {
    case 'scalar':
    case 'wrapper':
      return scalarCodecs[value.scalar].type
    case 'enum':
    case 'message':
      return value.name
    case 'any':
      return 'LeanAny'
    case 'ms':
      return 'number'
    case 'struct':
      return 'JsonObject'
    case 'value':
      return 'JsonValue'
    case 'list':
      return 'readonly JsonValue[]'
  }
}

function fieldType(field: LeanField): string {
  const one = typeOf(field.value)
  if (field.shape === 'repeated') return `readonly ${one}[]`
  if (field.shape === 'map') return `ReadonlyMap<${scalarCodecs[field.mapKey as ScalarType].type}, ${one}>`
  return field.optional ? `${one} | undefined` : one
}

/** index.d.ts without the writers. */
export function printTypes(model: LeanModel): string {
  const enums = [...model.enums].map(([name, desc]) => {
    const values = desc.values.map((value) => `'${value.name}'`).join(' | ')
    return `/** ${desc.typeName} */\nexport type ${name} = ${values} | \`UNKNOWN_\${number}\``
  })
  const types = model.types.map((type) => {
    const fields = type.fields.map((field) => {
      const unit = field.value.kind === 'ms' ? '  /** Milliseconds. */\n' : ''
      return `${unit}  readonly ${field.name}: ${fieldType(field)}`
    })
    return `/** ${type.fullName} */
export interface ${type.name} {
${fields.join('\n')}
}
/** The message with nothing but \`init\` set. */
export declare function new${type.name}(init?: Partial<${type.name}>): ${type.name}
/** Throws LeanDecodeError; see \`tryRead\`. */
export declare function read${type.name}(bytes: Uint8Array, unlisted: string[]): ${type.name}`
  })
  const urls = model.types.map((type) => `  readonly ${type.name}: 'type.googleapis.com/${type.fullName}'`)
  return `// Generated by scripts/protoc-gen-weft-lean.ts from lean/fields.ts.
import type { JsonObject, JsonValue, LeanAny } from '../../src/lean-wire.ts'

${enums.join('\n')}

/** Type URLs of the lean messages, for \`Any.typeUrl\`. */
export declare const typeUrls: {
${urls.join('\n')}
}

${types.join('\n\n')}`
}
