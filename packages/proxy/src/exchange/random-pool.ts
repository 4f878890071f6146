import { Buffer } from 'node:buffer'
import type { Rng } from '@weft/core'

const poolBytes = 8 * 1024
const digits = Buffer.from('0123456789abcdef', 'latin1')
const hyphen = 45
const idChars = 36
const mostIdsAtOnce = 128

/** Random numbers and ids out of a pool of strong random bytes: one call to the generator per 8 kB. */
export class RandomPool {
  readonly #rng: Rng
  readonly #bytes = Buffer.alloc(poolBytes)
  #used = poolBytes
  /** UUIDs, one behind the other: one text for many costs less than a text each, and a part of it next to nothing. */
  #ids = ''
  /** At first one, then twice as many each time: the first request of an idle proxy has no work done that the optimising compiler takes notice of. */
  #idBytes = Buffer.alloc(idChars)
  #nextId = 0

  constructor(rng: Rng) {
    this.#rng = rng
  }

  /** An integer in [0, 2^48). */
  uint48(): number {
    const at = this.#take(6)
    return this.#bytes.readUIntBE(at, 6)
  }

  /** In [0, 1). */
  readonly float = (): number => this.uint48() / 2 ** 48

  /** A random UUID (RFC 9562, version 4), lower-case. */
  uuid(): string {
    const at = this.#nextId
    if (at === this.#ids.length) return this.#writeIds()
    this.#nextId = at + idChars
    return this.#ids.slice(at, at + idChars)
  }

  #writeIds(): string {
    for (let to = 0; to < this.#idBytes.length; to += idChars) this.#writeId(to)
    this.#ids = this.#idBytes.latin1Slice(0, this.#idBytes.length)
    this.#nextId = idChars
    if (this.#idBytes.length < mostIdsAtOnce * idChars) this.#idBytes = Buffer.alloc(2 * this.#idBytes.length)
    return this.#ids.slice(0, idChars)
  }

  #writeId(start: number): void {
    const from = this.#take(16)
    const ids = this.#idBytes
    let to = start
    for (let at = 0; at < 16; at++) {
      if (at === 4 || at === 6 || at === 8 || at === 10) ids[to++] = hyphen
      let byte = this.#bytes[from + at] as number
      if (at === 6) byte = (byte & 0x0f) | 0x40
      else if (at === 8) byte = (byte & 0x3f) | 0x80
      ids[to++] = digits[byte >> 4] as number
      ids[to++] = digits[byte & 15] as number
    }
  }

  #take(count: number): number {
    if (this.#used + count > poolBytes) {
      this.#rng.fill(this.#bytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += count
    return at
  }
}
