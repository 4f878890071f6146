// Fields to header blocks (RFC 7541), straight into the output. A value enters the dynamic table when it comes a second time:
// request ids and timestamps never push out what repeats.
import { defaultTableBytes, entryOverhead } from './decoded-table.ts'
import { encodeHuffman, huffmanLength } from './huffman.ts'
import type { OutputBuffer } from './output-buffer.ts'
import { staticCount, staticNames, staticValues } from './static-table.ts'

/**
 * Never indexed: the connection is shared by requests of many clients, and whoever can choose a header and see sizes could
 * guess, piece by piece, what another one sent (RFC 7541 7.1).
 */
const secretNames = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-forwarded-client-cert'],
  ...['x-api-key', 'x-auth-token', 'x-csrf-token', 'x-xsrf-token', 'x-amz-security-token', 'authentication-info'],
])

/** Values remembered for each name, and names for each connection; whatever is beyond is written as a literal. */
const rememberedValues = 8
const rememberedNames = 256
/** Longer values are not worth the table. */
const longestIndexed = 1024
/** Shorter texts are copied letter by letter: cheaper than a call into native code. */
const shortText = 24

/** What the encoder knows of a name. */
class NameSlot {
  /** Index in the static table of a field with this name; 0: none. */
  readonly staticName: number
  readonly secret: boolean
  readonly values: string[]
  /** By value: above 0 an index of the static table; below 0 minus the number of its insertion; 0: seen once. */
  readonly places: number[]
  /** The value that is forgotten next. */
  next: number
  /** Those before it are of the static table. */
  readonly first: number
  /** The number of the last insertion with this name; 0: none. */
  inserted = 0
  /** It was written before. */
  known = false

  constructor(text: string) {
    const fixed = fixedSlots.get(text) ?? unfixed
    this.staticName = fixed.index
    this.secret = secretNames.has(text)
    this.values = fixed.values.slice()
    this.places = fixed.places.slice()
    this.first = this.values.length
    this.next = this.first
  }
}

/** What the static table says of a name. */
interface FixedSlot {
  index: number
  readonly values: string[]
  readonly places: number[]
}

const unfixed: FixedSlot = { index: 0, values: [], places: [] }
const fixedSlots = new Map<string, FixedSlot>()
for (let index = 1; index <= staticCount; index++) {
  const { text } = staticNames[index] as { readonly text: string }
  const slot = fixedSlots.get(text) ?? { index, values: [], places: [] }
  fixedSlots.set(text, slot)
  if (staticValues[index] === '') continue
  slot.values.push(staticValues[index] as string)
  slot.places.push(index)
}

/** The encoder of one connection. */
export class HpackEncoder {
  readonly #slots = new Map<string, NameSlot>()
  /** Sizes of the entries, in the order of their insertion, a ring. */
  readonly #sizes = new Uint32Array(defaultTableBytes / entryOverhead)
  #inserted = 0
  #evicted = 0
  #bytes = 0
  #limit = defaultTableBytes
  /** Sizes to announce at the start of the next block: the least there was meanwhile, and the present one; -1: none. */
  #least = -1

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
    output.reserve(name.length + value.length + 16)
    const slot = this.#slots.get(name) ?? this.#remember(name)
    if (slot === undefined) return writeLiteral(output, neverIndexed ? 0x10 : 0, 0, name, value)
    if (neverIndexed || slot.secret) return writeLiteral(output, 0x10, slot.staticName, name, value)
    const { values } = slot
    for (let at = 0; at < values.length; at++) {
      if (values[at] === value) return this.#repeated(output, slot, at, name)
    }
    if (value.length <= longestIndexed) {
      if (values.length < slot.first + rememberedValues) {
        values.push(value)
        slot.places.push(0)
      } else {
        values[slot.next] = value
        slot.places[slot.next] = 0
        slot.next = slot.next + 1 === values.length ? slot.first : slot.next + 1
      }
    }
    this.#unrepeated(output, slot, name, value)
  }

  /**
   * A value that is not known to repeat. A name that does is worth a place in the table, whatever value it comes with: ids differ, their
   * names do not.
   */
  #unrepeated(output: OutputBuffer, slot: NameSlot, name: string, value: string): void {
    if (slot.staticName > 0) return writeLiteral(output, 0, slot.staticName, name, value)
    if (slot.inserted > this.#evicted) {
      return writeLiteral(output, 0, staticCount + this.#inserted + 1 - slot.inserted, name, value)
    }
    const size = name.length + value.length + entryOverhead
    if (!slot.known || size > this.#limit >> 3) {
      slot.known = true
      return writeLiteral(output, 0, 0, name, value)
    }
    this.#insert(slot, size)
    output.bytes[output.length++] = 0x40
    writeCodedText(output, name)
    writeText(output, value)
  }

  #insert(slot: NameSlot, size: number): void {
    this.#evictTo(this.#limit - size)
    this.#sizes[this.#inserted % this.#sizes.length] = size
    this.#bytes += size
    slot.inserted = ++this.#inserted
  }

  #repeated(output: OutputBuffer, slot: NameSlot, at: number, name: string): void {
    const place = slot.places[at] as number
    if (place > 0) return writeInteger(output, 0x80, 0x7f, place)
    if (place < 0 && -place > this.#evicted) {
      return writeInteger(output, 0x80, 0x7f, staticCount + this.#inserted + 1 + place)
    }
    const value = slot.values[at] as string
    const size = name.length + value.length + entryOverhead
    if (size > this.#limit) return writeLiteral(output, 0, slot.staticName, name, value)
    this.#insert(slot, size)
    slot.places[at] = -slot.inserted
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

  #remember(name: string): NameSlot | undefined {
    if (this.#slots.size >= rememberedNames) return undefined
    const slot = new NameSlot(name)
    this.#slots.set(name, slot)
    return slot
  }
}

function writeLiteral(output: OutputBuffer, bits: number, nameIndex: number, name: string, value: string): void {
  if (nameIndex > 0) writeInteger(output, bits, 0x0f, nameIndex)
  else {
    output.bytes[output.length++] = bits
    writeText(output, name)
  }
  writeText(output, value)
}

/** A text as it is: most are copied anew with each message, and the bytes a code would save cost more than they are worth. */
function writeText(output: OutputBuffer, text: string): void {
  const { length } = text
  writeInteger(output, 0, 0x7f, length)
  const { bytes } = output
  const at = output.length
  if (length <= shortText) for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
  else bytes.write(text, at, length, 'latin1')
  output.length = at + length
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
