import { Buffer } from 'node:buffer'

const places = 64
/** Longer ones are not looked for. */
const mostBytes = 64

/**
 * The texts of bytes that were seen lately. The same text again is found by pointer in maps and comparisons, and makes no garbage; a
 * table of fixed size, so that nobody can make it grow.
 */
export class RecentTexts {
  readonly #bytes: Buffer[] = Array.from({ length: places }, () => Buffer.alloc(0))
  readonly #texts: string[] = Array.from({ length: places }, () => '')

  /** `bytes[start, end)` as latin1. */
  of(bytes: Buffer, start: number, end: number): string {
    const length = end - start
    if (length === 0) return ''
    if (length > mostBytes) return bytes.latin1Slice(start, end)
    const place = (length * 7 + (bytes[start] as number) * 31 + (bytes[end - 1] as number)) % places
    const known = this.#bytes[place] as Buffer
    let same = known.length === length
    for (let at = 0; same && at < length; at++) same = known[at] === bytes[start + at]
    if (same) return this.#texts[place] as string
    const text = bytes.latin1Slice(start, end)
    this.#bytes[place] = Buffer.from(bytes.subarray(start, end))
    this.#texts[place] = text
    return text
  }
}

declare global {
  // Node's own method behind `toString('latin1')`, without the dispatch; there since Node 0.x, not in the typings.
  interface Buffer {
    latin1Slice(start: number, end: number): string
  }
}
