/**
 * Memory that output is gathered in. A range that was gathered may stay where it is until it leaves; gathering goes on behind it, and the
 * memory begins anew once it has left.
 */
export class GatheredOutput {
  bytes: Buffer
  /** Of `bytes`: asking a Buffer for it is a call. */
  #memory: ArrayBufferLike
  /** What is being gathered is `bytes[start, end)`; what lies before it has yet to leave. */
  start = 0
  end = 0
  /** Lets everything that lies before `start` leave; undefined while nothing does. */
  #letLeave: (() => void) | undefined = undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#memory = bytes.buffer
  }

  /** Makes room for so many further bytes: what has yet to leave does so if it must. False: they never fit behind what is being gathered. */
  makeRoom(more: number): boolean {
    if (this.end + more > this.bytes.length) this.#letLeave?.()
    return this.end + more <= this.bytes.length
  }

  /** Gathers bytes; there is room for them. */
  add(bytes: Buffer, length: number): void {
    bytes.copy(this.bytes, this.end, 0, length)
    this.end += length
  }

  /** Forgets what is being gathered. */
  drop(): void {
    this.end = this.start
  }

  /** What was gathered stays where it is, until `left` is called; `letLeave` has that happen at once. */
  keep(letLeave: () => void): void {
    this.start = this.end
    this.#letLeave = letLeave
  }

  /** All that was kept has left. */
  left(): void {
    if (this.start === 0) return
    if (this.end > this.start) this.bytes.copyWithin(0, this.start, this.end)
    this.end -= this.start
    this.start = 0
    this.#letLeave = undefined
  }

  /** A view of a range, for a write. */
  view(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#memory, this.bytes.byteOffset + start, end - start)
  }

  /** Somebody has to keep the memory: it is theirs, and `other`, as large, takes its place. */
  replace(other: Buffer): void {
    this.bytes.copy(other, 0, 0, this.end)
    this.bytes = other
    this.#memory = other.buffer
  }
}
