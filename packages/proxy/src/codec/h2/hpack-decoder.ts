// Header blocks to fields (RFC 7541), straight from the bytes read. A block that cannot be decoded ends the connection: both
// sides' tables would differ from then on.
import { Buffer } from 'node:buffer'
import { charClass, TARGET, VALUE } from '../h1/char-table.ts'
import { DecodedTable, defaultTableBytes } from './decoded-table.ts'
import { type FieldName, nameOfBytes } from './field-name.ts'
import { decodedBytes, decodedLimit, decodedClasses, decodeHuffman } from './huffman.ts'
import { staticCount, staticNames, staticValues } from './static-table.ts'

/** What is to be known of a field besides its name and value. */
export const FieldFlag = {
  /** The value holds bytes that no value may have (RFC 9113 8.2.1). */
  MALFORMED: 1,
  /** It came as a never-indexed literal: it stays one on every hop (RFC 7541 6.2.3). */
  NEVER_INDEXED: 2,
  /** The value holds bytes that no request target has: blanks, bytes above 127. */
  NO_TARGET: 4,
} as const

/** Takes the fields of a block, in order. */
export interface FieldSink {
  /** True once nothing more is taken: the block is decoded on only to keep the table in step. */
  readonly full: boolean
  onField(name: FieldName, value: string, flags: number): void
}

/** Larger numbers mean nothing in a block: neither lengths nor indexes. */
const maxInteger = 1 << 28

/** Where a string is put together before it becomes one; nothing stays in it. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)

/** The decoder of one connection. */
export class HpackDecoder {
  readonly #table = new DecodedTable(defaultTableBytes)
  /** What our SETTINGS_HEADER_TABLE_SIZE allows. */
  #limit = defaultTableBytes
  /** The limit went below the table's size: the next block must begin with an update (RFC 7541 4.2). */
  #updateDue = false
  #at = 0
  /** Where the block begins, and the block as a text once one of its literals was asked for. */
  #start = 0
  #text = ''
  #flags = 0
  #malformed: string | undefined = undefined
  #value = ''
  #outcome = 0

  /** Our SETTINGS_HEADER_TABLE_SIZE, once the peer has acknowledged it. */
  setLimit(bytes: number): void {
    this.#limit = bytes
    this.#updateDue = this.#table.maxBytes > bytes
  }

  /** Decodes a whole block. Returns what is wrong with it, if anything; it never throws. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): string | undefined {
    this.#at = start
    this.#start = start
    this.#malformed = undefined
    const fault = this.#fields(bytes, end, sink)
    this.#text = ''
    return fault
  }

  #fields(bytes: Buffer, end: number, sink: FieldSink): string | undefined {
    let first = true
    while (this.#at < end) {
      const byte = bytes[this.#at] as number
      if ((byte & 0xe0) === 0x20) {
        if (!first) return 'a table size update inside of a block'
        this.#resize(this.#integer(bytes, end, 0x1f))
      } else {
        first = false
        if (this.#updateDue) return 'no table size update after the limit was lowered'
        if (byte >= 0x80) this.#indexed(this.#integer(bytes, end, 0x7f), sink)
        else if (byte >= 0x40) this.#indexedLiteral(bytes, end, sink)
        else this.#literal(bytes, end, sink, (byte & 0x10) === 0 ? 0 : FieldFlag.NEVER_INDEXED)
      }
      if (this.#malformed !== undefined) return this.#malformed
    }
    return undefined
  }

  #resize(bytes: number): void {
    if (this.#malformed !== undefined) return
    if (bytes > this.#limit) this.#malformed = `a table of ${bytes} bytes, more than the ${this.#limit} allowed`
    else {
      this.#table.resize(bytes)
      this.#updateDue = false
    }
  }

  #indexed(index: number, sink: FieldSink): void {
    if (this.#malformed !== undefined) return
    if (index > staticCount) {
      const place = this.#table.place(index - staticCount)
      if (place < 0) this.#malformed = `index ${index} is not in the table`
      else if (!sink.full) {
        const table = this.#table
        sink.onField(table.names[place] as FieldName, table.values[place] as string, table.flags[place] as number)
      }
    } else if (index === 0) this.#malformed = 'index 0'
    else if (!sink.full) sink.onField(staticNames[index] as FieldName, staticValues[index] as string, 0)
  }

  #indexedLiteral(bytes: Buffer, end: number, sink: FieldSink): void {
    const name = this.#name(bytes, end, 0x3f)
    if (name === undefined) return
    const length = this.#valueLength(bytes, end, true)
    if (this.#malformed !== undefined) return
    const value = this.#value
    this.#table.insert(name, value, length, this.#flags)
    if (!sink.full) sink.onField(name, value, this.#flags)
  }

  #literal(bytes: Buffer, end: number, sink: FieldSink, flags: number): void {
    if (sink.full) {
      if ((this.#integer(bytes, end, 0x0f) as number) === 0) this.#skipString(bytes, end)
      this.#skipString(bytes, end)
      return
    }
    const name = this.#name(bytes, end, 0x0f)
    if (name === undefined) return
    this.#valueLength(bytes, end, false)
    if (this.#malformed === undefined) sink.onField(name, this.#value, this.#flags | flags)
  }

  /** The name a literal begins with; undefined when it is malformed. */
  #name(bytes: Buffer, end: number, mask: number): FieldName | undefined {
    const index = this.#integer(bytes, end, mask)
    if (this.#malformed !== undefined) return undefined
    if (index === 0) return this.#literalName(bytes, end)
    if (index <= staticCount) return staticNames[index]
    const place = this.#table.place(index - staticCount)
    if (place >= 0) return this.#table.names[place]
    this.#malformed = `index ${index} is not in the table`
    return undefined
  }

  #literalName(bytes: Buffer, end: number): FieldName | undefined {
    const coded = ((bytes[this.#at] as number) & 0x80) !== 0
    const length = this.#stringLength(bytes, end)
    if (length < 0) return undefined
    const from = this.#at
    this.#at = from + length
    if (!coded) return nameOfBytes(bytes, from, this.#at)
    const text = this.#decoded(bytes, from, this.#at)
    return this.#outcome < 0 ? undefined : nameOfBytes(text, 0, decodedBytes(this.#outcome))
  }

  /** Reads a value into `#value` and `#flags`; returns its length as the table counts it. `kept`: it outlives the message. */
  #valueLength(bytes: Buffer, end: number, kept: boolean): number {
    const coded = ((bytes[this.#at] as number) & 0x80) !== 0
    const length = this.#stringLength(bytes, end)
    if (length < 0) return 0
    const from = this.#at
    this.#at = from + length
    if (!coded) {
      let all = VALUE | TARGET
      for (let at = from; at < this.#at; at++) all &= charClass[bytes[at] as number] as number
      this.#flags = flagsOf(all)
      if (kept) this.#take(bytes, from, this.#at)
      else this.#cut(bytes, from, this.#at, end)
      return length
    }
    const text = this.#decoded(bytes, from, this.#at)
    if (this.#outcome < 0) return 0
    this.#flags = flagsOf(decodedClasses(this.#outcome))
    const textBytes = decodedBytes(this.#outcome)
    this.#take(text, 0, textBytes)
    return textBytes
  }

  /** Blanks around a value are no part of it, as in HTTP/1.1; Envoy takes such values too. */
  #take(bytes: Buffer, start: number, end: number): void {
    let from = start
    let to = end
    while (from < to && isBlank(bytes[from] as number)) from++
    while (to > from && isBlank(bytes[to - 1] as number)) to--
    this.#value = from === to ? '' : bytes.latin1Slice(from, to)
  }

  /** As `#take`, as a part of the text of the whole block: one call into native code for all of its literals. */
  #cut(bytes: Buffer, start: number, end: number, blockEnd: number): void {
    let from = start
    let to = end
    while (from < to && isBlank(bytes[from] as number)) from++
    while (to > from && isBlank(bytes[to - 1] as number)) to--
    if (this.#text === '') this.#text = bytes.latin1Slice(this.#start, blockEnd)
    this.#value = this.#text.slice(from - this.#start, to - this.#start)
  }

  #decoded(bytes: Buffer, start: number, end: number): Buffer {
    const limit = decodedLimit(end - start)
    const target = limit <= scratch.length ? scratch : Buffer.allocUnsafeSlow(limit)
    this.#outcome = decodeHuffman(bytes, start, end, target)
    if (this.#outcome < 0) this.#malformed = 'a malformed Huffman code'
    return target
  }

  #skipString(bytes: Buffer, end: number): void {
    const length = this.#stringLength(bytes, end)
    if (length > 0) this.#at += length
  }

  /** The length of the string that begins here; -1 when it does not end in the block. */
  #stringLength(bytes: Buffer, end: number): number {
    const length = this.#integer(bytes, end, 0x7f)
    if (this.#malformed !== undefined) return -1
    if (length <= end - this.#at) return length
    this.#malformed = 'a string beyond the end of the block'
    return -1
  }

  /** RFC 7541 5.1: the prefix within `mask`, then seven bits a byte. */
  #integer(bytes: Buffer, end: number, mask: number): number {
    if (this.#at >= end) {
      this.#malformed = 'the block ends within a field'
      return 0
    }
    const prefix = (bytes[this.#at++] as number) & mask
    if (prefix < mask) return prefix
    let value = mask
    for (let unit = 1; ; unit *= 128) {
      if (this.#at >= end) {
        this.#malformed = 'the block ends within a number'
        return 0
      }
      const byte = bytes[this.#at++] as number
      value += (byte & 0x7f) * unit
      if (value > maxInteger || unit > maxInteger) {
        this.#malformed = 'a number too large'
        return 0
      }
      if (byte < 0x80) return value
    }
  }
}

/** Flags of a value all of whose bytes are of these classes. */
function flagsOf(classes: number): number {
  if ((classes & VALUE) === 0) return FieldFlag.MALFORMED | FieldFlag.NO_TARGET
  return (classes & TARGET) === 0 ? FieldFlag.NO_TARGET : 0
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9
}
