// A quick reader for the YAML that people write most: blocks, plain and quoted words on one line, collections in brackets on one
// line. It gives up at the first thing it does not know for certain; then, and whenever a place is asked for, the full parser reads.
import { Flow, type Inside } from './plain-flow.ts'
import { colon, dash, giveUp, hash, keyText, newline, plain, quoted, quoteEnd, set, space } from './plain-words.ts'
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
      value = plain(word)
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
