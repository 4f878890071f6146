import type { Runtime, Timer, Transport, TransportClose, TransportHandler } from '@weft/core'

/** How a spliced pair ended. */
export interface SpliceEnd {
  /** Which side ended it: both closed in order, or one broke off. */
  readonly by: 'both' | 'downstream' | 'upstream' | 'idle' | 'duration'
  /** Which side said first that it is done, or broke off; undefined: neither did. */
  readonly first: 'downstream' | 'upstream' | undefined
  readonly close: TransportClose | undefined
  readonly bytesFromDownstream: number
  readonly bytesFromUpstream: number
}

/** Time limits of a pair, milliseconds; 0: none. */
export interface SpliceLimits {
  readonly idleTimeoutMs: number
  readonly maxDurationMs: number
}

/**
 * Joins two transports: bytes cross both ways, each side is read only as fast as the other takes them, and each direction
 * ends on its own (a FIN is passed on). `onEnd` is called once, when both are over.
 */
export class Splice {
  readonly #downstream: Side
  readonly #upstream: Side
  readonly #runtime: Pick<Runtime, 'clock' | 'timers'>
  readonly #limits: SpliceLimits
  readonly #onEnd: (end: SpliceEnd) => void
  readonly #startedMs: number
  #lastByteMs: number
  #timer: Timer | undefined
  #first: SpliceEnd['first'] = undefined
  #ended = false

  constructor(
    downstream: Transport,
    upstream: Transport,
    parts: {
      readonly runtime: Pick<Runtime, 'clock' | 'timers'>
      readonly limits: SpliceLimits
      readonly onEnd: (end: SpliceEnd) => void
    },
  ) {
    this.#runtime = parts.runtime
    this.#limits = parts.limits
    this.#onEnd = parts.onEnd
    this.#startedMs = this.#lastByteMs = parts.runtime.clock.nowMs()
    this.#downstream = new Side('downstream', downstream, this)
    this.#upstream = new Side('upstream', upstream, this)
    this.#downstream.other = this.#upstream
    this.#upstream.other = this.#downstream
    this.#armTimer()
  }

  /** Begins; these bytes were read from the two sides already. */
  start(fromDownstream: Buffer | undefined, fromUpstream?: Buffer): void {
    if (fromDownstream !== undefined && fromDownstream.length > 0) this.#downstream.onData(fromDownstream)
    if (fromUpstream !== undefined && fromUpstream.length > 0) this.#upstream.onData(fromUpstream)
    this.#upstream.transport.resume()
    this.#downstream.transport.resume()
  }

  /** Bytes moved so far. */
  get bytesFromDownstream(): number {
    return this.#downstream.bytes
  }
  get bytesFromUpstream(): number {
    return this.#upstream.bytes
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.#finish('downstream', undefined)
  }

  /** A side moved bytes. */
  touched(): void {
    this.#lastByteMs = this.#runtime.clock.nowMs()
  }

  /** A side will send no more. */
  done(side: Side): void {
    this.#first ??= side.name
  }

  /** A side is over. */
  closed(side: Side, close: TransportClose): void {
    this.done(side)
    if (this.#downstream.closed && this.#upstream.closed) return this.#finish('both', close)
    // In order: our own FIN followed theirs. Otherwise the other side must learn of it at once.
    if (close.reason !== 'closed') return this.#finish(side.name, close)
    if (!side.finished) return this.#finish(side.name, close)
  }

  #finish(by: SpliceEnd['by'], close: TransportClose | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#timer?.cancel()
    const reset = close?.reason === 'reset' || close?.reason === 'unreachable'
    if (!this.#downstream.closed) this.#downstream.transport.destroy(reset)
    if (!this.#upstream.closed) this.#upstream.transport.destroy(reset)
    this.#onEnd({
      by,
      first: this.#first,
      close,
      bytesFromDownstream: this.#downstream.bytes,
      bytesFromUpstream: this.#upstream.bytes,
    })
  }

  /** One timer for both limits; moved bytes only note the time, since re-arming per chunk would cost more. */
  #armTimer(): void {
    const { idleTimeoutMs, maxDurationMs } = this.#limits
    const now = this.#runtime.clock.nowMs()
    const waits: number[] = []
    if (idleTimeoutMs > 0) waits.push(this.#lastByteMs + idleTimeoutMs - now)
    if (maxDurationMs > 0) waits.push(this.#startedMs + maxDurationMs - now)
    if (waits.length === 0) return
    this.#timer = this.#runtime.timers.set(Math.max(1, Math.min(...waits)), () => {
      const after = this.#runtime.clock.nowMs()
      if (maxDurationMs > 0 && after - this.#startedMs >= maxDurationMs) this.#finish('duration', undefined)
      else if (idleTimeoutMs > 0 && after - this.#lastByteMs >= idleTimeoutMs) this.#finish('idle', undefined)
      else this.#armTimer()
    })
  }
}

/** One of the two transports. */
class Side implements TransportHandler {
  readonly name: 'downstream' | 'upstream'
  readonly transport: Transport
  other: Side | undefined
  bytes = 0
  /** It sent its FIN. */
  finished = false
  closed = false
  readonly #pair: Splice

  constructor(name: 'downstream' | 'upstream', transport: Transport, pair: Splice) {
    this.name = name
    this.transport = transport
    this.#pair = pair
    transport.handler = this
  }

  onData(chunk: Buffer): void {
    this.bytes += chunk.length
    this.#pair.touched()
    const other = this.other as Side
    if (!other.closed && !other.transport.write(chunk)) this.transport.pause()
  }

  onEnd(): void {
    this.finished = true
    this.#pair.done(this)
    const other = this.other as Side
    if (!other.closed) other.transport.end()
  }

  onDrain(): void {
    const other = this.other as Side
    if (!other.closed && !other.finished) other.transport.resume()
  }

  onClose(close: TransportClose): void {
    this.closed = true
    this.#pair.closed(this, close)
  }
}
