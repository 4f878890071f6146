// What an encoder remembers of names and their values. Both are found by text and by bytes: a header that is passed on from HTTP/1.1 never
// becomes a string.
import { Buffer } from 'node:buffer'
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
/** Places of the table by bytes: a power of two, twice as many as there are names. */
const places = 512

/** What the encoder knows of a name. */
export class NameSlot {
  readonly name: string
  /** The name's letters. */
  readonly bytes: Uint8Array
  /** That of the field which followed last time. */
  next: NameSlot | undefined = undefined
  /** Index in the static table of a field with this name; 0: none. */
  readonly staticName: number
  readonly secret: boolean
  /** Of the name. */
  readonly hash: number
  /** Of each value. */
  readonly hashes: number[]
  /** The values that a table holds; `''` for one that was seen only once. */
  readonly texts: string[]
  /** By value: above 0 an index of the static table; below 0 minus the number of its insertion; 0: seen once. */
  readonly places: number[]
  /** The value that is forgotten next. */
  #next: number
  /** Those before it are of the static table. */
  readonly #first: number
  /** The number of the last insertion with this name; 0: none. */
  inserted = 0
  /** It was written before. */
  known = false

  constructor(name: string) {
    const fixed = fixedSlots.get(name) ?? unfixed
    this.name = name
    this.bytes = Buffer.from(name, 'latin1')
    this.hash = hashOfText(name)
    this.staticName = fixed.index
    this.secret = secretNames.has(name)
    this.texts = fixed.values.slice()
    this.hashes = this.texts.map(hashOfText)
    this.places = fixed.places.slice()
    this.#first = this.texts.length
    this.#next = this.#first
  }

  /** Remembers that a value was seen. */
  remember(hash: number): void {
    if (this.hashes.length < this.#first + rememberedValues) {
      this.hashes.push(hash)
      this.texts.push('')
      this.places.push(0)
      return
    }
    const at = this.#next
    this.hashes[at] = hash
    this.texts[at] = ''
    this.places[at] = 0
    this.#next = at + 1 === this.hashes.length ? this.#first : at + 1
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

/** The names of one connection. */
export class NameSlots {
  readonly #byText = new Map<string, NameSlot>()
  readonly #byHash: (NameSlot | undefined)[] = Array.from({ length: places }, () => undefined)
  /** That of the field before: names mostly follow each other as they did in the message before, and then nothing is looked up. */
  #last = new NameSlot('')

  /** The slot of a lower-case name; undefined: there are too many. */
  ofText(name: string): NameSlot | undefined {
    const next = this.#last.next
    if (next?.name === name) return (this.#last = next)
    return this.#follow(this.#byText.get(name) ?? this.#make(name))
  }

  /** The slot of the name that stands in `bytes[start, end)`, in whatever case. */
  ofBytes(bytes: Buffer, start: number, end: number): NameSlot | undefined {
    const next = this.#last.next
    if (next !== undefined && isName(next.bytes, bytes, start, end)) return (this.#last = next)
    return this.#follow(this.#find(bytes, start, end))
  }

  #find(bytes: Buffer, start: number, end: number): NameSlot | undefined {
    const hash = hashOfName(bytes, start, end)
    const table = this.#byHash
    for (let place = hash & (places - 1); ; place = (place + 1) & (places - 1)) {
      const slot = table[place]
      if (slot === undefined) return this.#make(bytes.latin1Slice(start, end).toLowerCase())
      if (slot.hash === hash && isName(slot.bytes, bytes, start, end)) return slot
    }
  }

  #follow(slot: NameSlot | undefined): NameSlot | undefined {
    if (slot === undefined) return undefined
    this.#last.next = slot
    return (this.#last = slot)
  }

  #make(name: string): NameSlot | undefined {
    if (this.#byText.size >= rememberedNames) return undefined
    const slot = new NameSlot(name)
    this.#byText.set(name, slot)
    let place = slot.hash & (places - 1)
    while (this.#byHash[place] !== undefined) place = (place + 1) & (places - 1)
    this.#byHash[place] = slot
    return slot
  }
}

const prime = 0x01000193

/** Of longer texts only the ends are looked at: there ids and paths differ, and two values that are taken for one only cost a place. */
const hashedHead = 4
const hashedTail = 8

/** Of a latin1 text. */
export function hashOfText(text: string): number {
  const { length } = text
  const long = length > hashedHead + hashedTail
  const headEnd = long ? hashedHead : length
  let hash = length
  for (let at = 0; at < headEnd; at++) hash = Math.imul(hash ^ text.charCodeAt(at), prime)
  if (long) for (let at = length - hashedTail; at < length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), prime)
  return hash
}

/** Of a latin1 text that stands in `bytes[start, end)`; the same. */
export function hashOfBytes(bytes: Buffer, start: number, end: number): number {
  const long = end - start > hashedHead + hashedTail
  const headEnd = long ? start + hashedHead : end
  let hash = end - start
  for (let at = start; at < headEnd; at++) hash = Math.imul(hash ^ (bytes[at] as number), prime)
  if (long) for (let at = end - hashedTail; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), prime)
  return hash
}

/** True when `bytes[start, end)` is this latin1 text. */
export function isText(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}

/** As `hashOfText` of the lower-case name. */
function hashOfName(bytes: Buffer, start: number, end: number): number {
  const long = end - start > hashedHead + hashedTail
  const headEnd = long ? start + hashedHead : end
  let hash = end - start
  for (let at = start; at < headEnd; at++) hash = Math.imul(hash ^ lower(bytes[at] as number), prime)
  if (long) for (let at = end - hashedTail; at < end; at++) hash = Math.imul(hash ^ lower(bytes[at] as number), prime)
  return hash
}

function isName(name: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let at = 0; at < name.length; at++) if (name[at] !== lower(bytes[start + at] as number)) return false
  return true
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}
