// Merges one message into another as protobuf does: scalars replace, messages merge, lists grow (or are replaced).
import { type AnyDesc, clone, create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt'
import { patchRegistry } from './patch-registry.ts'

/** What happens to lists. */
export type ListRule = 'append' | 'replace'

/** Changes `target` by what is set in `source`. */
export function mergeMessage(schema: DescMessage, target: Message, source: Message, lists: ListRule): void {
  // What is taken over must not change with the source, nor the source with what it became part of.
  mergeReflected(reflect(schema, target), reflect(schema, clone(schema, source)), lists)
}

function mergeReflected(target: ReflectMessage, source: ReflectMessage, lists: ListRule): void {
  for (const field of source.fields) {
    if (!source.isSet(field)) continue
    if (field.fieldKind === 'list') {
      const into = target.get(field)
      if (lists === 'replace') into.clear()
      for (const item of source.get(field)) into.add(item)
    } else if (field.fieldKind === 'map') {
      const into = target.get(field)
      for (const [key, value] of source.get(field)) into.set(key, value)
    } else if (field.fieldKind === 'message' && target.isSet(field)) {
      target.set(field, mergedValue(target.get(field), source.get(field), lists))
    } else {
      target.set(field, source.get(field))
    }
  }
}

/** Values such as durations are one thing; configurations of one type merge inside their Any. */
function mergedValue(target: ReflectMessage, source: ReflectMessage, lists: ListRule): ReflectMessage {
  if (target.desc.typeName === AnySchema.typeName) {
    return reflect(AnySchema, mergedAny(target.message as Any, source.message as Any, lists))
  }
  if (target.desc.typeName.startsWith('google.protobuf.')) return source
  mergeReflected(target, source, lists)
  return target
}

/** Two configurations: merged when they are of one type, else the second. */
function mergedAny(target: Any, source: Any, lists: ListRule): Any {
  const schema = schemaOf(target)
  if (target.typeUrl !== source.typeUrl || schema === undefined) return source
  const merged = fromBinary(schema, target.value)
  mergeMessage(schema, merged, fromBinary(schema, source.value), lists)
  return packed(schema, target.typeUrl, merged)
}

/** The schema of what is inside, if it is known. */
function schemaOf({ typeUrl }: Any): DescMessage | undefined {
  const found: AnyDesc | undefined = patchRegistry.get(typeUrl.slice(typeUrl.lastIndexOf('/') + 1))
  return found?.kind === 'message' ? found : undefined
}

/** A message as an Any of the same type. */
export function packed(schema: DescMessage, typeUrl: string, message: Message): Any {
  return create(AnySchema, { typeUrl, value: toBinary(schema, message) })
}
