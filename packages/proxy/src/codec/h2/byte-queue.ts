import { Buffer } from 'node:buffer'

const smallestChunk = 512
const largestChunk = 16 * 1024

/**
 * Bytes that wait, copied when they are queued. Small pieces share a chunk: a peer that sends single bytes makes us keep bytes, not
 * objects.
 */
export class ByteQueue {
  bytes = 0
  readonly #chunks: Buffer[] = []
  /** Where the first chunk goes on, and where the last one ends. */
  #from = 0
  #to = 0

  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    const last = this.#chunks.at(-1)
    if (last !== undefined) {
      const copied = bytes.copy(last, this.#to, at, end)
      this.#to += copied
      at += copied
    }
    if (at < end) {
      const size = Math.max(end - at, Math.min(largestChunk, Math.max(smallestChunk, this.bytes)))
      const chunk = Buffer.allocUnsafeSlow(size)
      this.#to = bytes.copy(chunk, 0, at, end)
      this.#chunks.push(chunk)
    }
    this.bytes += end - start
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

  /** Drops so many bytes, which are of the first chunk. */
  drop(count: number): void {
    this.bytes -= count
    this.#from += count
    if (this.bytes === 0) this.clear()
    else if (this.#from === this.first.length) {
      this.#chunks.shift()
      this.#from = 0
    }
  }

  clear(): void {
    if (this.#chunks.length === 0) return
    this.bytes = 0
    this.#chunks.length = 0
    this.#from = 0
    this.#to = 0
  }
}
