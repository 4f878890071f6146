import type { PeerIdentity, Timers, Transport, TransportClose, TransportHandler } from '@weft/core'

/** Bytes one direction may hold before `write` answers false, as a socket's send and receive buffers together. */
const simWindowBytes = 64 * 1024

/** How a connection between two hosts behaves; asked on every delivery, so faults act on living connections. */
export interface SimLink {
  readonly timers: Timers
  nowMs(): number
  /** One-way delay of the next piece, milliseconds. */
  latencyMs(): number
  /** While true nothing arrives in either direction (a cut cable): pieces wait. */
  cut(): boolean
}

/** One end's names of itself and of the far end. */
export interface SimEnds {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

type Piece = { readonly atMs: number; readonly bytes: Buffer | 'end' | 'reset' }

/**
 * One end of an in-memory connection: latency, back-pressure, half-close and reset as TCP has them, delivered by timers
 * of the virtual clock and never synchronously.
 */
export class SimTransport implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly peer: PeerIdentity | undefined = undefined
  readonly alpn: string | undefined = undefined
  readonly sni: string | undefined = undefined
  private far: SimTransport | undefined
  readonly #link: SimLink
  readonly #inbox: Piece[] = []
  private inboxBytes = 0
  #flushing = false
  #paused = true
  #wantsDrain = false
  #endSent = false
  #endSeen = false
  #closed = false

  constructor(link: SimLink, ends: SimEnds) {
    this.#link = link
    this.localAddress = ends.localAddress
    this.localPort = ends.localPort
    this.remoteAddress = ends.remoteAddress
    this.remotePort = ends.remotePort
  }

  /** Joins two ends; called once, before either is handed out. */
  join(far: SimTransport): void {
    this.far = far
    far.far = this
  }

  get queuedBytes(): number {
    return this.far?.inboxBytes ?? 0
  }

  /** True until `onClose` has been scheduled. */
  get open(): boolean {
    return !this.#closed
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  pause(): void {
    this.#paused = true
  }

  write(bytes: Buffer): boolean {
    return this.#send(Buffer.from(bytes))
  }

  writeLatin1(text: string): boolean {
    return this.#send(Buffer.from(text, 'latin1'))
  }

  end(): void {
    if (this.#closed || this.#endSent) return
    this.#endSent = true
    this.far?.receive('end')
    this.#closeWhenBothEnded()
  }

  destroy(reset = false): void {
    if (this.#closed) return
    if (reset) this.far?.receive('reset')
    else if (!this.#endSent) this.far?.receive('end')
    this.#endSent = true
    this.#close({ reason: 'local', detail: reset ? 'reset by this side' : 'closed by this side' })
  }

  #send(bytes: Buffer): boolean {
    if (this.#closed || this.#endSent || bytes.length === 0) return true
    const far = this.far as SimTransport
    if (far.#closed) {
      // As TCP does it: the first write after the far end went away is answered with a reset.
      this.receive('reset')
      return true
    }
    far.receive(bytes)
    this.#wantsDrain = far.inboxBytes >= simWindowBytes
    return !this.#wantsDrain
  }

  private receive(bytes: Buffer | 'end' | 'reset'): void {
    if (this.#closed) return
    if (typeof bytes !== 'string') this.inboxBytes += bytes.length
    const earliestMs = this.#inbox.at(-1)?.atMs ?? 0
    this.#inbox.push({ atMs: Math.max(earliestMs, this.#link.nowMs() + this.#link.latencyMs()), bytes })
    this.#schedule()
  }

  #schedule(): void {
    const first = this.#inbox[0]
    if (this.#flushing || first === undefined) return
    if (this.#paused && !this.#inbox.some((piece) => piece.bytes === 'reset')) return
    this.#flushing = true
    const delayMs = this.#link.cut() ? 50 : Math.max(0, first.atMs - this.#link.nowMs())
    this.#link.timers.set(delayMs, () => {
      this.#flushing = false
      if (!this.#link.cut()) this.#deliver()
      this.#schedule()
    })
  }

  #deliver(): void {
    if (this.#inbox.some((piece) => piece.bytes === 'reset' && piece.atMs <= this.#link.nowMs())) {
      this.#close({ reason: 'reset', detail: 'connection reset by peer' })
      return
    }
    for (let first = this.#inbox[0]; first !== undefined; first = this.#inbox[0]) {
      if (this.#closed || this.#paused || first.atMs > this.#link.nowMs()) break
      this.#inbox.shift()
      if (first.bytes === 'end') {
        this.#endSeen = true
        this.handler.onEnd()
        this.#closeWhenBothEnded()
      } else if (first.bytes !== 'reset') {
        this.inboxBytes -= first.bytes.length
        this.handler.onData(first.bytes)
      }
    }
    this.far?.drained()
  }

  private drained(): void {
    if (!this.#wantsDrain || this.#closed || this.queuedBytes > simWindowBytes / 2) return
    this.#wantsDrain = false
    this.#link.timers.set(0, () => {
      if (!this.#closed) this.handler.onDrain()
    })
  }

  #closeWhenBothEnded(): void {
    if (this.#endSent && this.#endSeen) this.#close({ reason: 'closed', detail: '' })
  }

  #close(close: TransportClose): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox.length = 0
    this.inboxBytes = 0
    this.#link.timers.set(0, () => this.handler.onClose(close))
  }
}
