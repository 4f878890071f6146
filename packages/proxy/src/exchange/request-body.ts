import { Buffer } from 'node:buffer'
import type { Listener } from '@weft/engine'
import type { BodyExtent } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { RoutePlan } from './route-plan.ts'

/** So much of a body is read while nobody takes it, and kept for servers that refuse requests before they look at them. */
const untakenBytes = 64 * 1024

/** What keeping a piece costs beside its bytes: a body that comes in crumbs does not hold many times its size. */
const pieceBytes = 64

/** Longer pieces are kept as bytes. */
const textBytes = 2 * 1024

/** The body of a request as far as it has to be kept: for an attempt that is not there yet, or for the next one. */
export class RequestBody {
  extent: BodyExtent
  complete: boolean
  /** A body is kept for repetition up to this size. */
  repeatBytes = untakenBytes
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
    return this.#keptBytes > untakenBytes
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
    this.#keptBytes += length + pieceBytes
  }

  /** An attempt has taken everything so far: lets go of it unless `wanted` and small enough to repeat. */
  taken(wanted: boolean): void {
    if (wanted && this.#keptBytes <= this.repeatBytes) return
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

/**
 * Bytes of a body that are kept to repeat it. As in Envoy 1.40, what a route says (`per_request_buffer_limit_bytes`) takes the place
 * of what its listener says, also where it is more. A route whose policy nobody wrote keeps less: else each upload would cost that much.
 */
export function keptForRepetition({ bufferLimitBytes }: Listener, plan: RoutePlan | undefined): number {
  const limit = plan?.routed.route.requestBufferLimitBytes ?? bufferLimitBytes
  return plan?.repeatsUnseen === true ? Math.min(limit, untakenBytes) : limit
}
