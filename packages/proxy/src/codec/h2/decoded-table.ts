import type { FieldName } from './field-name.ts'

/** What RFC 7541 4.1 counts for each entry besides its bytes. */
export const entryOverhead = 32

/** The size of a table before anybody changes it. */
export const defaultTableBytes = 4096

/** Places a table has at first, a power of two. */
const firstPlaces = 16

/** The dynamic table of a decoder: a ring whose newest entry has index 1. */
export class DecodedTable {
  names: (FieldName | undefined)[] = Array.from({ length: firstPlaces }, () => undefined)
  values: string[] = Array.from({ length: firstPlaces }, () => '')
  flags = new Uint8Array(firstPlaces)
  maxBytes: number
  #sizes = new Uint32Array(firstPlaces)
  #mask = firstPlaces - 1
  #inserted = 0
  #count = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Where the entry of an index lies in the arrays; -1 without one. */
  place(index: number): number {
    return index > this.#count ? -1 : (this.#inserted - index) & this.#mask
  }

  /** Appends an entry; `valueBytes` is the length of the value as it was on the wire. */
  insert(name: FieldName, value: string, valueBytes: number, flags: number): void {
    const size = name.text.length + valueBytes + entryOverhead
    this.#evictTo(this.maxBytes - size)
    // One that is too large leaves the table empty (RFC 7541 4.4).
    if (size > this.maxBytes) return
    if (this.#count > this.#mask) this.#grow()
    const place = this.#inserted++ & this.#mask
    this.names[place] = name
    this.values[place] = value
    this.flags[place] = flags
    this.#sizes[place] = size
    this.#count++
    this.#bytes += size
  }

  /** Sets the size the table may have. */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes
    this.#evictTo(maxBytes)
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const place = (this.#inserted - this.#count) & this.#mask
      this.#bytes -= this.#sizes[place] as number
      this.#count--
      this.names[place] = undefined
      this.values[place] = ''
    }
  }

  #grow(): void {
    const size = (this.#mask + 1) * 2
    const names: (FieldName | undefined)[] = Array.from({ length: size }, () => undefined)
    const values: string[] = Array.from({ length: size }, () => '')
    const flags = new Uint8Array(size)
    const sizes = new Uint32Array(size)
    for (let index = this.#count; index > 0; index--) {
      const from = (this.#inserted - index) & this.#mask
      const to = (this.#inserted - index) & (size - 1)
      names[to] = this.names[from]
      values[to] = this.values[from] as string
      flags[to] = this.flags[from] as number
      sizes[to] = this.#sizes[from] as number
    }
    this.names = names
    this.values = values
    this.flags = flags
    this.#sizes = sizes
    this.#mask = size - 1
  }
}
