// The value of a patch, as YAML says it, as a message.
import { type DescMessage, fromJson, type JsonObject, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import { err, ok, type Result } from '@weft/core'
import { patchRegistry } from './patch-registry.ts'
import { typedStructUrl } from './typed-struct.ts'

/** The message, or what does not fit. */
export function patchValue<D extends DescMessage>(schema: D, value: unknown): Result<MessageShape<D>> {
  if (value === undefined || value === null) return err('has no `value`')
  try {
    return ok(fromJson(schema, withKnownTypes(value as JsonValue), { registry: patchRegistry }))
  } catch (error) {
    const reason = (error as Error).message.replace(/^cannot decode (message )?(\S+ from JSON: )?/, '')
    return err(`does not fit ${schema.typeName}: ${reason}`)
  }
}

/** Configurations of types that we do not know go on as they are written, for the proxy to judge. */
function withKnownTypes(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withKnownTypes)
  if (typeof value !== 'object' || value === null) return value
  const { '@type': type, ...rest } = value as JsonObject & { readonly '@type'?: JsonValue }
  const inside = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, withKnownTypes(member)]))
  if (typeof type !== 'string') return inside
  const known = patchRegistry.get(type.slice(type.lastIndexOf('/') + 1)) !== undefined
  return known ? { '@type': type, ...inside } : { '@type': typedStructUrl, type_url: type, value: rest }
}
