// The writing half of the lean wire format: a growing buffer. Nested messages are written in place and shifted by the
// size of their length, which is cheap for the small request messages this exists for.
import type { JsonObject, JsonValue, LeanAny } from './lean-wire.ts'

const utf8 = new TextEncoder()

/** Collects one message; `finish` returns a copy of exactly the bytes written. */
export class LeanWriter {
  private bytes = new Uint8Array(256)
  private view = new DataView(this.bytes.buffer)
  private pos = 0

  private room(size: number): void {
    if (this.pos + size <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.pos + size))
    grown.set(this.bytes)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.pos)
  }

  uint32(value: number): void {
    this.room(5)
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.bytes[this.pos++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.pos++] = rest
  }

  /** Negative values take ten bytes, as the format wants it for int32 and int64. */
  int64(value: number): void {
    this.room(10)
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)))
    while (rest > 0x7fn) {
      this.bytes[this.pos++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.bytes[this.pos++] = Number(rest)
  }

  bool(value: boolean): void {
    this.uint32(value ? 1 : 0)
  }

  float(value: number): void {
    this.room(4)
    this.view.setFloat32(this.pos, value, true)
    this.pos += 4
  }

  double(value: number): void {
    this.room(8)
    this.view.setFloat64(this.pos, value, true)
    this.pos += 8
  }

  raw(value: Uint8Array): void {
    this.room(value.length)
    this.bytes.set(value, this.pos)
    this.pos += value.length
  }

  data(value: Uint8Array): void {
    this.uint32(value.length)
    this.raw(value)
  }

  string(value: string): void {
    this.data(utf8.encode(value))
  }

  /** Writes `tag`, the length of what `body` writes, and that. */
  message(tag: number, body: (writer: LeanWriter) => void): void {
    this.uint32(tag)
    const start = this.pos
    body(this)
    const size = this.pos - start
    const prefix = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : size < 0x1000_0000 ? 4 : 5
    this.room(prefix)
    this.bytes.copyWithin(start + prefix, start, this.pos)
    this.pos = start
    this.uint32(size)
    this.pos = start + prefix + size
  }
}

/** `google.protobuf.Any`, the body. */
export function writeAny(writer: LeanWriter, value: LeanAny): void {
  writer.uint32(10)
  writer.string(value.typeUrl)
  writer.uint32(18)
  writer.data(value.value)
}

/** `google.protobuf.Duration` (or `Timestamp`) from milliseconds, the body. */
export function writeMs(writer: LeanWriter, value: number): void {
  const seconds = Math.trunc(value / 1000)
  const nanos = Math.round((value - seconds * 1000) * 1e6)
  if (seconds !== 0) {
    writer.uint32(8)
    writer.int64(seconds)
  }
  if (nanos !== 0) {
    writer.uint32(16)
    writer.int64(nanos)
  }
}

/** `google.protobuf.Struct`, the body. */
export function writeStruct(writer: LeanWriter, value: JsonObject): void {
  for (const [key, member] of Object.entries(value)) {
    writer.message(10, (entry) => {
      entry.uint32(10)
      entry.string(key)
      entry.message(18, (w) => writeValue(w, member))
    })
  }
}

/** `google.protobuf.Value`, the body. */
export function writeValue(writer: LeanWriter, value: JsonValue): void {
  if (value === null) {
    writer.uint32(8)
    writer.uint32(0)
  } else if (typeof value === 'number') {
    writer.uint32(17)
    writer.double(value)
  } else if (typeof value === 'string') {
    writer.uint32(26)
    writer.string(value)
  } else if (typeof value === 'boolean') {
    writer.uint32(32)
    writer.bool(value)
  } else if (isList(value)) {
    writer.message(50, (list) => {
      for (const item of value) list.message(10, (w) => writeValue(w, item))
    })
  } else {
    writer.message(42, (w) => writeStruct(w, value))
  }
}

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value)
}
