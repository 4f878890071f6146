import { Buffer } from 'node:buffer'
import type { BodyExtent } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'

/** A body is kept for repetition, or while nobody takes it, up to this size. */
const keepLimitBytes = 64 * 1024

/** Longer pieces are kept as bytes. */
const textBytes = 2 * 1024

/** The body of a request as far as it has to be kept: for an attempt that is not there yet, or for the next one. */
export class RequestBody {
  extent: BodyExtent
  complete: boolean
  /** Those behind a complete body. */
  trailers: MessageHead | undefined = undefined
  /** False once some of it was let go: the request cannot be repeated. */
  replayable = true
  /** It was to be repeated, and grew too large for that. */
  outgrown = false
  /** Short ones as latin1 texts: a text is made with a third of the work of a `Buffer`, and most are never looked at again. */
  #pieces: (Buffer | string)[] = noPieces
  #keptBytes = 0

  constructor(extent: BodyExtent) {
    this.extent = extent
    this.complete = extent === 'none'
  }

  /** True when no more should be read until an attempt takes what is here. */
  get full(): boolean {
    return this.#keptBytes > keepLimitBytes
  }

  /** What is kept, in order. */
  get pieces(): readonly Buffer[] {
    if (this.#pieces === noPieces) return nothing
    return this.#pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece))
  }

  /** Keeps a copy. */
  keep(bytes: Buffer, start: number, end: number): void {
    if (!this.replayable) return
    if (this.#pieces === noPieces) this.#pieces = []
    const length = end - start
    this.#pieces.push(length <= textBytes ? bytes.latin1Slice(start, end) : Buffer.from(bytes.subarray(start, end)))
    this.#keptBytes += length
  }

  /** An attempt has taken everything so far: lets go of it unless `wanted` and small enough to repeat. */
  taken(wanted: boolean): void {
    if (wanted && !this.full) return
    if (this.#keptBytes > 0 || !this.complete) {
      this.replayable = false
      this.outgrown ||= wanted
    }
    this.#pieces = noPieces
    this.#keptBytes = 0
  }
}

const noPieces: (Buffer | string)[] = []
const nothing: readonly Buffer[] = []

/** The extent of a body behind filters: when they took its length away, it is not known. */
export function extentOf(head: MessageHead, before: BodyExtent): BodyExtent {
  return before === 'length' && head.value('content-length') === undefined ? 'unknown' : before
}
