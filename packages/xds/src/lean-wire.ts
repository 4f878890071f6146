// The protobuf wire format, as the generated lean readers and writers need it (https://protobuf.dev/programming-guides/encoding/).
// One error type, thrown here and caught at one place (`tryRead`): malformed bytes are a peer's doing, not a bug.

/** The bytes are not a valid encoding of the message. */
export class LeanDecodeError extends Error {
  override name = 'LeanDecodeError'
}

/** `google.protobuf.Value` as plain JSON. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
/** `google.protobuf.Struct` as plain JSON. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}
/** `google.protobuf.Any`; `value` is a view of the bytes it was read from. */
export interface LeanAny {
  readonly typeUrl: string
  readonly value: Uint8Array
}

type ReadMessage<T> = (reader: LeanReader, into?: T) => T

const maxDepth = 100
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads one buffer front to back; `end` is the end of the message being read. */
export class LeanReader {
  readonly bytes: Uint8Array
  pos = 0
  end: number
  private depth = 0
  private lo = 0
  private hi = 0
  private readonly view: DataView
  private readonly unlisted: string[]

  constructor(bytes: Uint8Array, unlisted: string[]) {
    this.bytes = bytes
    this.end = bytes.length
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.unlisted = unlisted
  }

  /** Reads 64 bits into `lo` and `hi`. */
  private varint(): void {
    let lo = 0
    let hi = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= this.end) throw new LeanDecodeError('truncated varint')
      const byte = this.bytes[this.pos++] as number
      const bits = byte & 0x7f
      if (shift < 28) lo |= bits << shift
      else if (shift === 28) {
        lo |= bits << 28
        hi |= bits >>> 4
      } else if (shift < 63) hi |= bits << (shift - 32)
      else hi |= (bits & 1) << 31
      if (byte < 0x80) {
        this.lo = lo >>> 0
        this.hi = hi >>> 0
        return
      }
    }
    throw new LeanDecodeError('varint longer than ten bytes')
  }

  tag(): number {
    this.varint()
    if (this.hi !== 0 || this.lo < 8) throw new LeanDecodeError('invalid tag')
    return this.lo
  }

  uint32(): number {
    const byte = this.pos < this.end ? (this.bytes[this.pos] as number) : 0x80
    if (byte < 0x80) {
      this.pos++
      return byte
    }
    this.varint()
    return this.lo
  }

  int32(): number {
    this.varint()
    return this.lo | 0
  }

  sint32(): number {
    this.varint()
    return (this.lo >>> 1) ^ -(this.lo & 1)
  }

  /** As a number: exact up to 2^53. */
  uint64(): number {
    this.varint()
    return this.hi * 0x1_0000_0000 + this.lo
  }

  /** As a number: exact within 2^53. */
  int64(): number {
    this.varint()
    return (this.hi | 0) * 0x1_0000_0000 + this.lo
  }

  /** As a number: exact within 2^53. */
  sint64(): number {
    this.varint()
    const half = (this.hi >>> 1) * 0x1_0000_0000 + ((((this.hi & 1) << 31) | (this.lo >>> 1)) >>> 0)
    return (this.lo & 1) === 1 ? -half - 1 : half
  }

  bool(): boolean {
    this.varint()
    return this.lo !== 0 || this.hi !== 0
  }

  private take(size: number): number {
    const at = this.pos
    if (size > this.end - at) throw new LeanDecodeError('truncated value')
    this.pos = at + size
    return at
  }

  fixed32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  sfixed32(): number {
    return this.view.getInt32(this.take(4), true)
  }

  fixed64(): number {
    return Number(this.view.getBigUint64(this.take(8), true))
  }

  sfixed64(): number {
    return Number(this.view.getBigInt64(this.take(8), true))
  }

  float(): number {
    return this.view.getFloat32(this.take(4), true)
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** A view, not a copy. */
  data(): Uint8Array {
    const size = this.uint32()
    const at = this.take(size)
    return this.bytes.subarray(at, at + size)
  }

  string(): string {
    const size = this.uint32()
    const at = this.take(size)
    if (size < 24) {
      let text = ''
      for (let i = at; i < at + size; i++) {
        const byte = this.bytes[i] as number
        if (byte >= 0x80) return this.utf8(at, size)
        text += String.fromCharCode(byte)
      }
      return text
    }
    return this.utf8(at, size)
  }

  private utf8(at: number, size: number): string {
    try {
      return utf8.decode(this.bytes.subarray(at, at + size))
    } catch {
      throw new LeanDecodeError('string is not UTF-8')
    }
  }

  /** A nested message; `into` is the value an earlier occurrence left, which protobuf merges with. */
  message<T>(read: ReadMessage<T>, into?: T): T {
    const size = this.uint32()
    const at = this.take(size)
    if (++this.depth > maxDepth) throw new LeanDecodeError('messages nested too deeply')
    const outer = this.end
    this.pos = at
    this.end = at + size
    const value = read(this, into)
    this.end = outer
    this.depth--
    return value
  }

  /** A packed repeated field. */
  packed<T>(list: T[], read: (reader: LeanReader) => T): void {
    this.message((reader) => {
      while (reader.pos < reader.end) list.push(read(reader))
    })
  }

  /** One entry of a map field; absent key or value mean their defaults. */
  entry<K, V>(map: Map<K, V>, key: EntryPart<K>, value: EntryPart<V>): void {
    this.message((reader) => {
      let k: K | undefined
      let v: V | undefined
      while (reader.pos < reader.end) {
        const tag = reader.tag()
        if (tag === (8 | key.wire)) k = key.read(reader)
        else if (tag === (16 | value.wire)) v = value.read(reader)
        else if (tag >>> 3 <= 2) throw new LeanDecodeError('wrong wire type in a map entry')
        else reader.skip(tag)
      }
      map.set(k ?? key.zero(), v ?? value.zero())
    })
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint()
        return
      case 1:
        this.take(8)
        return
      case 2:
        this.take(this.uint32())
        return
      case 5:
        this.take(4)
        return
      default:
        throw new LeanDecodeError('groups are not supported')
    }
  }

  /**
   * A field the reader has no case for: reported once by name. `listed` and `others` are written `number` and
   * `number:name`, separated by spaces; parsing them here keeps a reader that meets no such field cheap.
   */
  other(tag: number, message: string, listed: string, others: string): void {
    const number = String(tag >>> 3)
    if (listed.split(' ').includes(number)) throw new LeanDecodeError(`wrong wire type for ${message} field ${number}`)
    const found = others.split(' ').find((item) => item.startsWith(`${number}:`))
    const name = `${message}.${found === undefined ? `#${number}` : found.slice(number.length + 1)}`
    if (!this.unlisted.includes(name)) this.unlisted.push(name)
    this.skip(tag)
  }
}

/** How one side of a map entry is read. */
export interface EntryPart<T> {
  readonly wire: number
  readonly read: (reader: LeanReader) => T
  readonly zero: () => T
}

/**
 * Runs a generated reader over untrusted bytes. The only place that catches `LeanDecodeError`.
 * `unlisted` names the fields that were set but that no reader listed in lean/fields.ts reads.
 */
export function tryRead<T>(
  read: (bytes: Uint8Array, unlisted: string[]) => T,
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly value: T; readonly unlisted: readonly string[] }
  | { readonly ok: false; readonly error: string } {
  const unlisted: string[] = []
  try {
    return { ok: true, value: read(bytes, unlisted), unlisted }
  } catch (error) {
    if (error instanceof LeanDecodeError) return { ok: false, error: error.message }
    throw error
  }
}
