// The well-known types in the shape lean messages show them: wrappers as primitives, durations as milliseconds, Struct
// as plain JSON.
import { type JsonObject, type JsonValue, type LeanAny, LeanDecodeError, type LeanReader } from './lean-wire.ts'

/** `google.protobuf.Any`. */
export function readAny(reader: LeanReader, into?: LeanAny): LeanAny {
  let typeUrl = into?.typeUrl ?? ''
  let value = into?.value ?? new Uint8Array(0)
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 10) typeUrl = reader.string()
    else if (tag === 18) value = reader.data()
    else skipUnknown(reader, tag, 2)
  }
  return { typeUrl, value }
}

/** `google.protobuf.Duration` and `Timestamp`, in milliseconds with fractions. */
export function readMs(reader: LeanReader): number {
  let seconds = 0
  let nanos = 0
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 8) seconds = reader.int64()
    else if (tag === 16) nanos = reader.int32()
    else skipUnknown(reader, tag, 2)
  }
  return seconds * 1000 + nanos / 1e6
}

/** Makes the reader of a wrapper (`UInt32Value`, ...): field 1 with the given tag, or its default. */
export function wrapperReader<T>(valueTag: number, read: (reader: LeanReader) => T, zero: T): (r: LeanReader) => T {
  return (reader) => {
    let value = zero
    while (reader.pos < reader.end) {
      const tag = reader.tag()
      if (tag === valueTag) value = read(reader)
      else skipUnknown(reader, tag, 1)
    }
    return value
  }
}

/** `google.protobuf.Struct`. */
export function readStruct(reader: LeanReader, into?: JsonObject): JsonObject {
  const object: Record<string, JsonValue> = { ...into }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 10) reader.message((r) => readField(r, object))
    else skipUnknown(reader, tag, 1)
  }
  return object
}

function readField(reader: LeanReader, object: Record<string, JsonValue>): void {
  let key = ''
  let value: JsonValue = null
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 10) key = reader.string()
    else if (tag === 18) value = reader.message(readValue)
    else skipUnknown(reader, tag, 2)
  }
  // Plain assignment to `__proto__` would set the prototype instead of a member.
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** `google.protobuf.Value`; one without a kind counts as null. */
export function readValue(reader: LeanReader): JsonValue {
  let value: JsonValue = null
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 8) {
      reader.int32()
      value = null
    } else if (tag === 17) value = reader.double()
    else if (tag === 26) value = reader.string()
    else if (tag === 32) value = reader.bool()
    else if (tag === 42) value = reader.message(readStruct)
    else if (tag === 50) value = reader.message(readList)
    else skipUnknown(reader, tag, 6)
  }
  return value
}

/** `google.protobuf.ListValue`. */
export function readList(reader: LeanReader): JsonValue[] {
  const list: JsonValue[] = []
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 10) list.push(reader.message(readValue))
    else skipUnknown(reader, tag, 1)
  }
  return list
}

function skipUnknown(reader: LeanReader, tag: number, lastKnown: number): void {
  if (tag >>> 3 <= lastKnown) throw new LeanDecodeError('wrong wire type in a well-known type')
  reader.skip(tag)
}
