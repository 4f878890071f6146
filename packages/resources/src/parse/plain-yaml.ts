// A quick reader for the YAML that people write most: blocks, plain and quoted words on one line, collections in brackets on one
// line. It gives up at the first thing it does not know for certain; then, and whenever a place is asked for, the full parser reads.
import { giveUp, plainScalar } from './plain-scalar.ts'
import type { PlaceNode } from './positions.ts'
import { maxDepth } from './yaml-limits.ts'

/** A document's value, and where it begins. */
export interface PlainDocument {
  readonly value: unknown
  /** Offset of the first key or item. */
  readonly offset: number
  /** The places of what is inside, when they were asked for. */
  readonly inside: Inside
}

type Inside = ReadonlyMap<string, PlaceNode> | undefined

/**
 * Reads one document (without its `---` line), on demand with places; undefined when the full parser must. A document without
 * content has value `null`.
 */
export function readPlainYaml(text: string, places = false): PlainDocument | undefined {
  try {
    return new Reader(text, places).document()
  } catch (error) {
    if (error === giveUp) return undefined
    throw error
  }
}

const newline = 10
const space = 32
const hash = 35
const dash = 45
const colon = 58

/** Code points that end the quick way wherever they stand: tabs, carriage returns, controls, byte order marks, line separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const strange = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/

class Reader {
  readonly #text: string
  /** Start of the line that is read next. */
  #at = 0
  /** Of that line: its indentation and the offset of its first character. */
  #indent = -1
  #first = 0
  readonly #places: boolean
  /** The places inside the value that was read last. */
  #inside: Inside

  constructor(text: string, places: boolean) {
    if (strange.test(text)) throw giveUp
    this.#text = text
    this.#places = places
  }

  document(): PlainDocument {
    this.#nextLine()
    if (this.#indent < 0) return { value: null, offset: 0, inside: undefined }
    const offset = this.#first
    const value = this.#block(this.#indent, 0)
    if (this.#indent >= 0) throw giveUp
    return { value, offset, inside: this.#inside }
  }

  /** Goes to the next line that holds something; indentation -1 means the end. */
  #nextLine(): void {
    const text = this.#text
    for (;;) {
      if (this.#at >= text.length) {
        this.#indent = -1
        return
      }
      let first = this.#at
      while (text.charCodeAt(first) === space) first++
      const code = text.charCodeAt(first)
      if (first < text.length && code !== newline && code !== hash) {
        this.#indent = first - this.#at
        this.#first = first
        return
      }
      const end = text.indexOf('\n', first)
      this.#at = end < 0 ? text.length : end + 1
    }
  }

  #lineEnd(from: number): number {
    const end = this.#text.indexOf('\n', from)
    return end < 0 ? this.#text.length : end
  }

  /** The block whose lines begin at this indentation, starting with the current line. */
  #block(indent: number, depth: number): unknown {
    if (depth >= maxDepth) throw giveUp
    const text = this.#text
    const first = this.#first
    if (text.charCodeAt(first) === dash && this.#isBlank(first + 1)) return this.#list(indent, depth)
    const code = text.charCodeAt(first)
    // A document that is one collection in brackets, or one word.
    if (code === 0x5b || code === 0x7b) return this.#lineValue(first, depth)
    return this.#map(indent, depth)
  }

  #isBlank(offset: number): boolean {
    const code = this.#text.charCodeAt(offset)
    return offset >= this.#text.length || code === space || code === newline
  }

  #list(indent: number, depth: number): unknown[] {
    const items: unknown[] = []
    const inside = this.#places ? new Map<string, PlaceNode>() : undefined
    const text = this.#text
    while (this.#indent === indent && text.charCodeAt(this.#first) === dash && this.#isBlank(this.#first + 1)) {
      let inner = this.#first + 1
      while (text.charCodeAt(inner) === space) inner++
      const code = text.charCodeAt(inner)
      // Empty items, and items that begin below their dash.
      if (inner >= text.length || code === newline || code === hash) throw giveUp
      if (code === dash && this.#isBlank(inner + 1)) throw giveUp
      if (this.#keyEnd(inner) < 0) items.push(this.#lineValue(inner, depth + 1))
      else {
        // A map that begins behind the dash: its other lines stand under its first key.
        this.#indent = inner - this.#at
        this.#first = inner
        items.push(this.#map(this.#indent, depth + 1))
      }
      inside?.set(String(items.length - 1), { offset: inner, inside: this.#inside })
    }
    if (this.#indent > indent) throw giveUp
    this.#inside = inside
    return items
  }

  #map(indent: number, depth: number): Record<string, unknown> {
    if (depth >= maxDepth) throw giveUp
    const value: Record<string, unknown> = {}
    const inside = this.#places ? new Map<string, PlaceNode>() : undefined
    const text = this.#text
    do {
      const at = this.#first
      const end = this.#keyEnd(at)
      if (end < 0) throw giveUp
      const name = this.#key(at, end)
      if (Object.hasOwn(value, name)) throw giveUp
      let inner = end + 1
      while (text.charCodeAt(inner) === space) inner++
      const code = text.charCodeAt(inner)
      const empty = inner >= text.length || code === newline || (code === hash && inner > end + 1)
      set(value, name, empty ? this.#below(indent, depth) : this.#lineValue(inner, depth + 1))
      inside?.set(name, { offset: at, inside: this.#inside })
    } while (this.#indent === indent && !(text.charCodeAt(this.#first) === dash && this.#isBlank(this.#first + 1)))
    if (this.#indent > indent) throw giveUp
    this.#inside = inside
    return value
  }

  /** What a key without a value on its line holds: the block below, or nothing. */
  #below(indent: number, depth: number): unknown {
    this.#at = this.#lineEnd(this.#first) + 1
    this.#nextLine()
    if (this.#indent > indent) return this.#block(this.#indent, depth + 1)
    const isItem =
      this.#indent === indent && this.#text.charCodeAt(this.#first) === dash && this.#isBlank(this.#first + 1)
    if (isItem) return this.#list(indent, depth + 1)
    this.#inside = undefined
    return null
  }

  /** The colon that ends a key on this line, or -1 when the line holds no key. */
  #keyEnd(from: number): number {
    const text = this.#text
    const code = text.charCodeAt(from)
    if (code === 0x22 || code === 0x27) {
      const end = this.#quoteEnd(from) + 1
      return text.charCodeAt(end) === colon && this.#isBlank(end + 1) ? end : -1
    }
    if (code === 0x5b || code === 0x7b) return -1
    for (let at = from; at < text.length; at++) {
      const each = text.charCodeAt(at)
      if (each === newline) return -1
      if (each === colon && this.#isBlank(at + 1)) return at
      if (each === hash && text.charCodeAt(at - 1) === space) return -1
    }
    return -1
  }

  #key(from: number, end: number): string {
    const code = this.#text.charCodeAt(from)
    if (code === 0x22 || code === 0x27) return this.#quoted(from, end - 1)
    return keyText(this.#text.slice(from, end).trimEnd())
  }

  /** The value that begins here and ends with its line; goes to the next line. */
  #lineValue(from: number, depth: number): unknown {
    const text = this.#text
    const code = text.charCodeAt(from)
    let value: unknown
    let end: number
    let inside: Inside
    if (code === 0x22 || code === 0x27) {
      end = this.#quoteEnd(from) + 1
      value = this.#quoted(from, end - 1)
    } else if (code === 0x5b || code === 0x7b) {
      const flow = new Flow(text, from, { depth, places: this.#places })
      value = flow.collection()
      end = flow.at
      inside = flow.inside
    } else {
      end = this.#lineEnd(from)
      const comment = text.slice(from, end).indexOf(' #')
      if (comment >= 0) end = from + comment
      const word = text.slice(from, end).trimEnd()
      // A colon that would make it a key.
      if (word.includes(': ') || word.endsWith(':')) throw giveUp
      value = plainScalar(word)
      end = from + word.length
    }
    const rest = end
    while (text.charCodeAt(end) === space) end++
    const next = text.charCodeAt(end)
    if (end < text.length && next !== newline && !(next === hash && end > rest)) throw giveUp
    const indent = this.#indent
    this.#at = this.#lineEnd(end) + 1
    this.#nextLine()
    // A line that stands deeper goes on with this value.
    if (this.#indent > indent) throw giveUp
    this.#inside = inside
    return value
  }

  #quoteEnd(from: number): number {
    return quoteEnd(this.#text, from)
  }

  #quoted(from: number, last: number): string {
    return quoted(this.#text, from, last)
  }
}

/** Collections in brackets, on one line. */
class Flow {
  readonly #text: string
  readonly #depth: number
  readonly #places: boolean
  at: number
  /** The places inside the value that was read last. */
  inside: Inside

  constructor(text: string, at: number, options: { readonly depth: number; readonly places: boolean }) {
    this.#text = text
    this.at = at
    this.#depth = options.depth
    this.#places = options.places
  }

  collection(): unknown {
    return this.#value(this.#depth)
  }

  #value(depth: number): unknown {
    if (depth >= maxDepth) throw giveUp
    const code = this.#text.charCodeAt(this.at)
    if (code === 0x7b) return this.#map(depth)
    if (code === 0x5b) return this.#list(depth)
    this.inside = undefined
    return this.#word(false)
  }

  #map(depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    const inside = this.#places ? new Map<string, PlaceNode>() : undefined
    this.at++
    for (;;) {
      if (this.#skip() === 0x7d) break
      const quote = this.#text.charCodeAt(this.at)
      if (quote === 0x7b || quote === 0x5b) throw giveUp
      const offset = this.at
      const name = this.#key(quote)
      if (Object.hasOwn(value, name)) throw giveUp
      let member: unknown = null
      this.inside = undefined
      if (this.#skip() === colon) {
        this.at++
        const next = this.#skip()
        member = next === 0x2c || next === 0x7d ? null : this.#value(depth + 1)
      }
      set(value, name, member)
      inside?.set(name, { offset, inside: this.inside })
      if (this.#skip() === 0x2c) this.at++
      else if (this.#skip() !== 0x7d) throw giveUp
    }
    this.at++
    this.inside = inside
    return value
  }

  #key(first: number): string {
    const from = this.at
    const key = this.#word(true)
    return first === 0x22 || first === 0x27 ? String(key) : keyText(this.#text.slice(from, this.at).trimEnd())
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = []
    const inside = this.#places ? new Map<string, PlaceNode>() : undefined
    this.at++
    for (;;) {
      if (this.#skip() === 0x5d) break
      const offset = this.at
      items.push(this.#value(depth + 1))
      inside?.set(String(items.length - 1), { offset, inside: this.inside })
      const next = this.#skip()
      if (next === 0x2c) this.at++
      else if (next !== 0x5d) throw giveUp
    }
    this.at++
    this.inside = inside
    return items
  }

  /** The next character that is no space; the end of the line ends the quick way. */
  #skip(): number {
    while (this.#text.charCodeAt(this.at) === space) this.at++
    const code = this.#text.charCodeAt(this.at)
    if (this.at >= this.#text.length || code === newline || code === hash) throw giveUp
    return code
  }

  #word(isKey: boolean): unknown {
    const text = this.#text
    const from = this.at
    const code = text.charCodeAt(from)
    if (code === 0x22 || code === 0x27) {
      const last = quoteEnd(text, from)
      this.at = last + 1
      // `"a":b` is a key only where keys are read.
      if (!isKey && this.#skip() === colon) throw giveUp
      return quoted(text, from, last)
    }
    let end = from
    for (; ; end++) {
      const each = text.charCodeAt(end)
      if (end >= text.length || each === newline) throw giveUp
      if (each === 0x2c || each === 0x5d || each === 0x7d) break
      if (each === 0x5b || each === 0x7b) throw giveUp
      if (each === hash && text.charCodeAt(end - 1) === space) throw giveUp
      if (each !== colon) continue
      const next = text.charCodeAt(end + 1)
      if (next === space || next === 0x2c || next === 0x5d || next === 0x7d || next === newline) {
        if (!isKey) throw giveUp
        break
      }
    }
    const word = text.slice(from, end).trimEnd()
    if (word === '') throw giveUp
    this.at = end
    return plainScalar(word)
  }
}

function set(value: Record<string, unknown>, name: string, member: unknown): void {
  // `__proto__` must stay an ordinary (and unknown) field.
  if (name === '__proto__') throw giveUp
  value[name] = member
}

/** Offset of the quote that closes the one at `from`, on the same line. */
function quoteEnd(text: string, from: number): number {
  const quote = text.charCodeAt(from)
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === newline) throw giveUp
    if (code === 0x5c && quote === 0x22) at++
    else if (code === quote) {
      if (quote === 0x22 || text.charCodeAt(at + 1) !== quote) return at
      at++
    }
  }
  throw giveUp
}

function quoted(text: string, from: number, last: number): string {
  const inside = text.slice(from + 1, last)
  if (text.charCodeAt(from) === 0x27) return inside.replaceAll("''", "'")
  if (!inside.includes('\\')) return inside
  // Escapes that JSON and YAML share; YAML has more.
  if (/\\[^"\\/bfnrt]/.test(inside.replace(/\\\\/g, ''))) throw giveUp
  return JSON.parse(`"${inside}"`) as string
}

/** A key without quotes. With a colon in it, it may be an address (`2001:db8::`) that only the full parser tells apart. */
function keyText(word: string): string {
  if (word === '' || word.includes(':')) throw giveUp
  const value = plainScalar(word)
  return value === null ? '' : String(value)
}
