import { Buffer } from 'node:buffer'
import type { Rng } from '@weft/core'

const poolBytes = 8 * 1024
/** First digit of the fourth group: the variant of RFC 9562. */
const variants = ['8', '9', 'a', 'b']

/** Random numbers and ids out of a pool of strong random bytes: one call to the generator per 8 kB. */
export class RandomPool {
  readonly #rng: Rng
  readonly #bytes = Buffer.alloc(poolBytes)
  /** The same bytes as text, two digits each. */
  #hex = ''
  #used = poolBytes

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
    const at = this.#take(16)
    const hex = this.#hex.slice(at * 2, at * 2 + 32)
    const variant = variants[((this.#bytes[at + 8] as number) >> 4) & 3] as string
    const low = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}`
    return `${low}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  #take(count: number): number {
    if (this.#used + count > poolBytes) {
      this.#rng.fill(this.#bytes)
      this.#hex = this.#bytes.toString('hex')
      this.#used = 0
    }
    const at = this.#used
    this.#used += count
    return at
  }
}
