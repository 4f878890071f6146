import { Buffer } from 'node:buffer'
import type { Rng } from '@weft/core'

const poolBytes = 8 * 1024
const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Random numbers and ids out of a pool of strong random bytes: one call to the generator per 8 kB. */
export class RandomPool {
  readonly #rng: Rng
  readonly #bytes = Buffer.alloc(poolBytes)
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
    const bytes = this.#bytes
    const h = (index: number): string => hex[bytes[at + index] as number] as string
    const version = hex[((bytes[at + 6] as number) & 0x0f) | 0x40] as string
    const variant = hex[((bytes[at + 8] as number) & 0x3f) | 0x80] as string
    const low = `${h(0)}${h(1)}${h(2)}${h(3)}-${h(4)}${h(5)}-${version}${h(7)}`
    return `${low}-${variant}${h(9)}-${h(10)}${h(11)}${h(12)}${h(13)}${h(14)}${h(15)}`
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
