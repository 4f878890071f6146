// Collections in brackets, for the quick reader.
import { colon, giveUp, hash, keyText, newline, plain, quoted, quoteEnd, set, space } from './plain-words.ts'
import type { PlaceNode } from './positions.ts'
import { maxDepth } from './yaml-limits.ts'

/** The places inside a value, when they were asked for. */
export type Inside = ReadonlyMap<string, PlaceNode> | undefined

/** Collections in brackets, on one line. */
export class Flow {
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
    return plain(word)
  }
}
