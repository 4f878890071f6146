// Fields to header blocks (RFC 7541), straight into the output. A value enters the dynamic table when it comes a second time:
// request ids and timestamps never push out what repeats.
import { Buffer } from 'node:buffer'
import { defaultTableBytes, entryOverhead } from './decoded-table.ts'
import { encodeHuffman, huffmanLength } from './huffman.ts'
import { hashOfBytes, hashOfText, isText, type NameSlot, NameSlots } from './name-slots.ts'
import type { OutputBuffer } from './output-buffer.ts'
import { staticCount } from './static-table.ts'

/** Longer values are not worth the table. */
const longestIndexed = 1024
/** Shorter texts and ranges are copied letter by letter: cheaper than a call into native code. */
const shortText = 24
const shortRange = 64

const nothing = Buffer.alloc(0)

/** Header lines of HTTP/1.1 in the bytes they came in: five offsets each, as `H1Head` has them. */
export interface LineBytes {
  readonly source: Buffer | undefined
  readonly base: number
  readonly offsets: Int32Array
}

/** The encoder of one connection. */
export class HpackEncoder {
  readonly #slots = new NameSlots()
  /** Sizes of the entries, in the order of their insertion, a ring. */
  readonly #sizes = new Uint32Array(defaultTableBytes / entryOverhead)
  #inserted = 0
  #evicted = 0
  #bytes = 0
  #limit = defaultTableBytes
  /** Sizes to announce at the start of the next block: the least there was meanwhile, and the present one; -1: none. */
  #least = -1
  /** The value being written: a text, or `#source[#from, #to)`. */
  #text: string | undefined = undefined
  #source: Buffer = nothing
  #from = 0
  #to = 0

  /** The peer's SETTINGS_HEADER_TABLE_SIZE: no more than the default is used of it. */
  setLimit(bytes: number): void {
    const limit = Math.min(bytes, defaultTableBytes)
    if (limit === this.#limit && this.#least < 0) return
    this.#least = this.#least < 0 ? limit : Math.min(this.#least, limit)
    this.#limit = limit
    this.#evictTo(limit)
  }

  /** Begins a block. */
  begin(output: OutputBuffer): void {
    if (this.#least < 0) return
    output.reserve(12)
    if (this.#least < this.#limit) writeInteger(output, 0x20, 0x1f, this.#least)
    writeInteger(output, 0x20, 0x1f, this.#limit)
    this.#least = -1
  }

  /** Writes a field. `name` is lower-case; `neverIndexed`: whoever sent it asked for that. */
  field(output: OutputBuffer, name: string, value: string, neverIndexed: boolean): void {
    const { length } = value
    output.reserve(name.length + length + 16)
    const slot = this.#slots.ofText(name)
    this.#text = value
    if (slot === undefined || neverIndexed || slot.secret) {
      return this.#literal(output, neverIndexed || slot !== undefined ? 0x10 : 0, slot?.staticName ?? 0, name)
    }
    const { texts, places } = slot
    for (let at = 0; at < texts.length; at++) {
      if (places[at] !== 0 && texts[at] === value) return this.#repeated(output, slot, at, length)
    }
    if (length > longestIndexed) return this.#unrepeated(output, slot, length)
    const hash = hashOfText(value)
    const { hashes } = slot
    for (let at = 0; at < hashes.length; at++) {
      if (hashes[at] === hash && places[at] === 0) return this.#repeated(output, slot, at, length)
    }
    slot.remember(hash)
    this.#unrepeated(output, slot, length)
  }

  /** Writes a header line of HTTP/1.1 as a field; its bytes must be there. */
  line(output: OutputBuffer, { source, base, offsets }: LineBytes, index: number): void {
    const bytes = source as Buffer
    const name = base + (offsets[index * 5] as number)
    const nameEnd = base + (offsets[index * 5 + 1] as number)
    const value = base + (offsets[index * 5 + 2] as number)
    const valueEnd = base + (offsets[index * 5 + 3] as number)
    const length = valueEnd - value
    output.reserve(nameEnd - name + length + 16)
    const slot = this.#slots.ofBytes(bytes, name, nameEnd)
    this.#text = undefined
    this.#source = bytes
    this.#from = value
    this.#to = valueEnd
    if (slot === undefined) return this.#literal(output, 0, 0, bytes.latin1Slice(name, nameEnd).toLowerCase())
    if (slot.secret) return this.#literal(output, 0x10, slot.staticName, slot.name)
    if (length > longestIndexed) return this.#unrepeated(output, slot, length)
    const hash = hashOfBytes(bytes, value, valueEnd)
    const { hashes, texts, places } = slot
    for (let at = 0; at < hashes.length; at++) {
      if (hashes[at] !== hash) continue
      if (places[at] === 0 || isText(texts[at] as string, bytes, value, valueEnd)) {
        return this.#repeated(output, slot, at, length)
      }
    }
    slot.remember(hash)
    this.#unrepeated(output, slot, length)
  }

  /**
   * A value that is not known to repeat. A name that does is worth a place in the table, whatever value it comes with: ids differ, their
   * names do not.
   */
  #unrepeated(output: OutputBuffer, slot: NameSlot, length: number): void {
    const { name } = slot
    if (slot.staticName > 0) return this.#literal(output, 0, slot.staticName, name)
    if (slot.inserted > this.#evicted) {
      return this.#literal(output, 0, staticCount + this.#inserted + 1 - slot.inserted, name)
    }
    const size = name.length + length + entryOverhead
    if (!slot.known || size > this.#limit >> 3) {
      slot.known = true
      return this.#literal(output, 0, 0, name)
    }
    this.#insert(slot, size)
    output.bytes[output.length++] = 0x40
    writeCodedText(output, name)
    this.#writeValue(output)
  }

  #insert(slot: NameSlot, size: number): void {
    this.#evictTo(this.#limit - size)
    this.#sizes[this.#inserted % this.#sizes.length] = size
    this.#bytes += size
    slot.inserted = ++this.#inserted
  }

  #repeated(output: OutputBuffer, slot: NameSlot, at: number, length: number): void {
    const place = slot.places[at] as number
    if (place > 0) return writeInteger(output, 0x80, 0x7f, place)
    if (place < 0 && -place > this.#evicted) {
      return writeInteger(output, 0x80, 0x7f, staticCount + this.#inserted + 1 + place)
    }
    const { name } = slot
    const size = name.length + length + entryOverhead
    if (size > this.#limit) return this.#literal(output, 0, slot.staticName, name)
    this.#insert(slot, size)
    const value = this.#text ?? this.#source.latin1Slice(this.#from, this.#to)
    slot.places[at] = -slot.inserted
    slot.texts[at] = value
    if (slot.staticName > 0) writeInteger(output, 0x40, 0x3f, slot.staticName)
    else {
      output.bytes[output.length++] = 0x40
      writeCodedText(output, name)
    }
    writeCodedText(output, value)
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#evicted < this.#inserted) {
      this.#bytes -= this.#sizes[this.#evicted++ % this.#sizes.length] as number
    }
  }

  #literal(output: OutputBuffer, bits: number, nameIndex: number, name: string): void {
    if (nameIndex > 0) writeInteger(output, bits, 0x0f, nameIndex)
    else {
      output.bytes[output.length++] = bits
      writeText(output, name)
    }
    this.#writeValue(output)
  }

  /** As it is: most are copied anew with each message, and the bytes a code would save cost more than they are worth. */
  #writeValue(output: OutputBuffer): void {
    if (this.#text === undefined) writeRange(output, this.#source, this.#from, this.#to)
    else writeText(output, this.#text)
  }
}

function writeText(output: OutputBuffer, text: string): void {
  const { length } = text
  writeInteger(output, 0, 0x7f, length)
  const { bytes } = output
  const at = output.length
  if (length <= shortText) for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
  else bytes.latin1Write(text, at, length)
  output.length = at + length
}

function writeRange(output: OutputBuffer, source: Buffer, start: number, end: number): void {
  writeInteger(output, 0, 0x7f, end - start)
  const { bytes } = output
  let to = output.length
  output.length = to + end - start
  if (end - start <= shortRange) for (let at = start; at < end; at++) bytes[to++] = source[at] as number
  else source.copy(bytes, to, start, end)
}

/** A text that is sent once and remembered by the other side: coded when that makes it shorter. */
function writeCodedText(output: OutputBuffer, text: string): void {
  const coded = huffmanLength(text)
  if (coded >= text.length) return writeText(output, text)
  writeInteger(output, 0x80, 0x7f, coded)
  output.length = encodeHuffman(text, output.bytes, output.length)
}

/** RFC 7541 5.1. */
function writeInteger(output: OutputBuffer, bits: number, mask: number, value: number): void {
  const { bytes } = output
  if (value < mask) {
    bytes[output.length++] = bits | value
    return
  }
  bytes[output.length++] = bits | mask
  let rest = value - mask
  while (rest >= 0x80) {
    bytes[output.length++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[output.length++] = rest
}
