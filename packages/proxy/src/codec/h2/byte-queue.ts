import { Buffer } from 'node:buffer'

const smallestChunk = 512

/** Chunks of one size that are used again: a buffer each would be memory outside the heap, of which the collector hears late. */
export class ChunkPool {
  readonly size: number
  readonly #most: number
  readonly #free: Buffer[] = []

  constructor(size: number, most: number) {
    this.size = size
    this.#most = most
  }

  /** One of these, or a smaller one with room for `bytes` when there is none to be used again. */
  take(bytes: number): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bytes * 2 >= this.size ? this.size : bytes)
  }

  /** Nobody may look at it any more. Smaller ones are not kept. */
  give(chunk: Buffer): void {
    if (chunk.length === this.size && this.#free.length < this.#most) this.#free.push(chunk)
  }
}

/** What a stream's largest window holds, and somewhat more: a slow reader fills and empties that many again and again. */
const mostStreamChunks = 72
const streamChunks = new ChunkPool(16 * 1024, mostStreamChunks)

/**
 * Bytes that wait, copied when they are queued. Small pieces share a chunk: a peer that sends single bytes makes us keep bytes, not
 * objects.
 */
export class ByteQueue {
  bytes = 0
  readonly #pool: ChunkPool
  readonly #chunks: Buffer[] = []
  /** Where the first chunk goes on, and where the last one ends. */
  #from = 0
  #to = 0

  constructor(pool: ChunkPool = streamChunks) {
    this.#pool = pool
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    const last = this.#chunks.at(-1)
    if (last !== undefined) at += this.#fill(last, bytes, at, end)
    while (at < end) {
      const chunk = this.#pool.take(Math.max(end - at, smallestChunk, this.bytes + at - start))
      this.#to = 0
      this.#chunks.push(chunk)
      at += this.#fill(chunk, bytes, at, end)
    }
    this.bytes += end - start
  }

  #fill(chunk: Buffer, bytes: Buffer, start: number, end: number): number {
    const copied = bytes.copy(chunk, this.#to, start, end)
    this.#to += copied
    return copied
  }

  /** The bytes to go first are those of `first` from `firstStart` to `firstEnd`; only while there are any. */
  get first(): Buffer {
    return this.#chunks[0] as Buffer
  }
  get firstStart(): number {
    return this.#from
  }
  get firstEnd(): number {
    return this.#chunks.length === 1 ? this.#to : this.first.length
  }

  /** Drops so many bytes, which are of the first chunk. Nobody may look at them any more. */
  drop(count: number): void {
    const spent = this.advance(count)
    if (spent !== undefined) this.#pool.give(spent)
  }

  /** As `drop`, but the bytes stay until the chunk that is answered, if any, is given to `recycle`. */
  advance(count: number): Buffer | undefined {
    if (this.#chunks.length === 0) return undefined
    this.bytes -= count
    this.#from += count
    if (this.bytes > 0 && this.#from < this.first.length) return undefined
    this.#from = 0
    if (this.bytes === 0) this.#to = 0
    return this.#chunks.shift()
  }

  /** Takes back what `advance` answered. */
  recycle(chunk: Buffer | undefined): void {
    if (chunk !== undefined) this.#pool.give(chunk)
  }

  clear(): void {
    // To empty an empty array is a call into the engine's own code.
    if (this.#chunks.length === 0) return
    for (const chunk of this.#chunks) this.#pool.give(chunk)
    this.bytes = 0
    this.#chunks.length = 0
    this.#from = 0
    this.#to = 0
  }
}
