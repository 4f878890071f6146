/** Slabs kept for the next user; more are left to the garbage collector. */
const keptSlabs = 4

/**
 * Copies of bytes that must outlive a call by a moment. The memory is used again: a fresh buffer for each would cost an
 * allocation outside the heap, and the sweep that finds it.
 */
export class Slabs {
  readonly #bytes: number
  readonly #free: Buffer[] = []

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** A whole slab. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
  }

  /** An owned copy of `source[start, end)`, at most one slab long. */
  copy(source: Buffer, start: number, end: number): Buffer {
    const slab = this.take()
    source.copy(slab, 0, start, end)
    return end - start === slab.length ? slab : slab.subarray(0, end - start)
  }

  /** Takes back what `copy` gave; nobody may look at it any more. */
  giveBack(copy: Buffer): void {
    if (this.#free.length < keptSlabs) this.#free.push(Buffer.from(copy.buffer, 0, this.#bytes))
  }
}
