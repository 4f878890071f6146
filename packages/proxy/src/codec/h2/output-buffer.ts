import { Buffer } from 'node:buffer'

const smallestBytes = 16 * 1024
/** Larger ones are not kept: they were for one large head or a peer that did not read. */
const largestKeptBytes = 128 * 1024
const mostKept = 32

/** Buffers that are lent while there is output to gather, so that an idle connection holds none. */
export class BufferPool {
  readonly #free: Buffer[] = []

  take(bytes: number): Buffer {
    const free = this.#free.pop()
    if (free !== undefined && free.length >= bytes) return free
    return Buffer.allocUnsafeSlow(Math.max(smallestBytes, bytes))
  }

  give(buffer: Buffer): void {
    if (buffer.length <= largestKeptBytes && this.#free.length < mostKept) this.#free.push(buffer)
  }
}

const empty = Buffer.alloc(0)

/** Output of one connection, gathered until it leaves in one write. */
export class OutputBuffer {
  bytes: Buffer = empty
  length = 0
  readonly #pool: BufferPool

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  /** Makes room for so many further bytes. `bytes` may be another buffer afterwards. */
  reserve(more: number): void {
    const wanted = this.length + more
    if (wanted <= this.bytes.length) return
    const larger = this.#pool.take(Math.max(wanted, Math.min(this.bytes.length * 2, wanted + 1024 * 1024)))
    this.bytes.copy(larger, 0, 0, this.length)
    if (this.bytes.length > 0) this.#pool.give(this.bytes)
    this.bytes = larger
  }

  /** Forgets the content; the buffer goes back. */
  clear(): void {
    if (this.bytes.length > 0) this.#pool.give(this.bytes)
    this.bytes = empty
    this.length = 0
  }
}
