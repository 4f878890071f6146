// Prints the writers of the lean messages that ask for one.
import { ScalarType } from '@bufbuild/protobuf'
import type { LeanField, LeanKind, LeanModel, LeanType } from './model.ts'
import { scalarCodecs, wireOf } from './print-readers.ts'

function bodyOf(value: LeanKind, expression: string): string {
  switch (value.kind) {
    case 'message':
      return `into${value.name}(w, ${expression})`
    case 'any':
      return `writeAny(w, ${expression})`
    case 'ms':
      return `writeMs(w, ${expression})`
    case 'struct':
      return `writeStruct(w, ${expression})`
    default:
      throw new Error(`lean: no writer for ${value.kind}`)
  }
}

function writeValue(value: LeanKind, tag: number, expression: string): string {
  if (value.kind === 'scalar') {
    const { write } = scalarCodecs[value.scalar]
    if (write === 'unsupported') throw new Error(`lean: no writer for ${ScalarType[value.scalar]}`)
    return `w.uint32(${tag}); w.${write}(${expression})`
  }
  return `w.message(${tag}, (w) => ${bodyOf(value, expression)})`
}

function writeField(field: LeanField): string {
  const source = `m.${field.name}`
  const tag = field.number * 8 + (field.shape === 'map' ? 2 : wireOf(field.value))
  if (field.shape === 'map') {
    const key = scalarCodecs[field.mapKey as ScalarType]
    return `for (const [key, value] of ${source}) w.message(${tag}, (w) => {
    w.uint32(${8 + key.wire}); w.${key.write}(key)
    ${writeValue(field.value, 16 + wireOf(field.value), 'value')}
  })`
  }
  if (field.shape === 'repeated') return `for (const item of ${source}) { ${writeValue(field.value, tag, 'item')} }`
  const zero = field.value.kind === 'scalar' ? scalarCodecs[field.value.scalar] : undefined
  const absent = field.optional
    ? `${source} !== undefined`
    : zero?.type === 'Uint8Array'
      ? `${source}.length > 0`
      : `${source} !== ${zero?.zero}`
  return `if (${absent}) { ${writeValue(field.value, tag, source)} }`
}

function written(model: LeanModel): LeanType[] {
  const types = model.types.filter((type) => type.write)
  const names = new Set(types.map((type) => type.name))
  for (const type of types)
    for (const { value, name } of type.fields)
      if (value.kind === 'message' && !names.has(value.name))
        throw new Error(`lean/fields.ts: ${type.fullName}.${name} needs a writer for ${value.name}`)
  return types
}

/** The writers of index.js. */
export function printWriters(model: LeanModel): string {
  const types = written(model).map(
    (type) => `function into${type.name}(w, m) {
${type.fields.map((field) => `  ${writeField(field)}`).join('\n')}
}
export function write${type.name}(m) { const w = new LeanWriter(); into${type.name}(w, m); return w.finish() }
`,
  )
  return `import { LeanWriter, writeAny, writeMs, writeStruct } from '../../src/lean-writer.ts'
void writeMs
${types.join('\n')}`
}

/** The writers of index.d.ts. */
export function printWriterTypes(model: LeanModel): string {
  return written(model)
    .map((type) => `export declare function write${type.name}(message: ${type.name}): Uint8Array`)
    .join('\n')
}
