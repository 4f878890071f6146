import { Buffer } from 'node:buffer'
import type { PeerIdentity, Timers, Transport, TransportClose, TransportHandler } from '@weft/core'
import { ByteQueue, ChunkPool } from '../codec/h2/byte-queue.ts'

/** Bytes one direction may hold before `write` answers false: several reads' worth. */
const windowBytes = 256 * 1024
/** So many wait for what else this turn of the event loop brings, and cross with it. */
const gatherBytes = 8 * 1024
const chunks = new ChunkPool(64 * 1024, 8)

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** The names one end of an in-process connection carries. `peer` may become known later. */
export interface PairEnd {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly peer?: PeerIdentity | undefined
}

/**
 * Two joined ends inside this process, for connections to internal listeners (the inside of a CONNECT tunnel). Bytes
 * cross in the microtask after the write, so no handler runs inside another's call; many of them at the end of the turn, in pieces as
 * large as a read.
 */
export function transportPair(
  client: PairEnd,
  server: PairEnd,
  timers?: Pick<Timers, 'soon'>,
): readonly [Transport, Transport] {
  const soon = timers?.soon?.bind(timers) ?? queueMicrotask
  const a = new PairTransport(client, soon)
  const b = new PairTransport(server, soon)
  a.join(b)
  b.join(a)
  return [a, b]
}

class PairTransport implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly alpn: string | undefined = undefined
  readonly sni: string | undefined = undefined
  private far: PairTransport | undefined
  private readonly inbox = new ByteQueue(chunks)
  private endReceived = false
  private endDelivered = false
  readonly #end: PairEnd
  readonly #soon: (run: () => void) => void
  #endSent = false
  #paused = true
  #scheduled = false
  #gathering = false
  #wantsDrain = false
  #closed = false

  constructor(end: PairEnd, soon: (run: () => void) => void) {
    this.#soon = soon
    this.localAddress = end.localAddress
    this.localPort = end.localPort
    this.remoteAddress = end.remoteAddress
    this.remotePort = end.remotePort
    this.#end = end
  }

  get peer(): PeerIdentity | undefined {
    return this.#end.peer
  }

  join(far: PairTransport): void {
    this.far = far
  }

  get queuedBytes(): number {
    return this.far?.inbox.bytes ?? 0
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  pause(): void {
    this.#paused = true
  }

  write(bytes: Buffer): boolean {
    return this.#send(bytes)
  }

  writeLatin1(text: string): boolean {
    return this.#send(Buffer.from(text, 'latin1'))
  }

  end(): void {
    if (this.#closed || this.#endSent) return
    this.#endSent = true
    this.far?.receiveEnd()
    this.#closeWhenDone()
  }

  destroy(reset = false): void {
    if (this.#closed) return
    const far = this.far
    this.#close({ reason: 'local', detail: 'closed by this side' })
    if (reset) far?.fail({ reason: 'reset', detail: 'connection reset by peer' })
    else far?.receiveEnd()
  }

  private receiveEnd(): void {
    this.endReceived = true
    this.#schedule()
  }

  private fail(close: TransportClose): void {
    this.#close(close)
  }

  private drained(): void {
    if (!this.#wantsDrain || this.#closed) return
    this.#wantsDrain = false
    this.handler.onDrain()
  }

  #send(bytes: Buffer): boolean {
    const far = this.far as PairTransport
    if (this.#closed || this.#endSent || bytes.length === 0) return true
    if (far.#closed) {
      this.#close({ reason: 'reset', detail: 'connection reset by peer' })
      return true
    }
    far.inbox.push(bytes, 0, bytes.length)
    if (far.inbox.bytes < gatherBytes) far.#schedule()
    else far.#gather()
    this.#wantsDrain = far.inbox.bytes >= windowBytes
    return !this.#wantsDrain
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#closed) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #gather(): void {
    if (this.#gathering || this.#paused || this.#closed) return
    this.#gathering = true
    this.#soon(() => {
      this.#gathering = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const { inbox } = this
    while (inbox.bytes > 0 && !this.#paused && !this.#closed) {
      const { first, firstStart, firstEnd } = inbox
      const spent = inbox.advance(firstEnd - firstStart)
      this.handler.onData(first.subarray(firstStart, firstEnd))
      inbox.recycle(spent)
    }
    if (inbox.bytes === 0) {
      this.far?.drained()
      if (this.endReceived && !this.endDelivered && !this.#paused && !this.#closed) {
        this.endDelivered = true
        this.handler.onEnd()
        this.#closeWhenDone()
      }
    }
  }

  #closeWhenDone(): void {
    if (this.#endSent && this.endDelivered) this.#close({ reason: 'closed', detail: '' })
  }

  #close(close: TransportClose): void {
    if (this.#closed) return
    this.#closed = true
    this.inbox.clear()
    queueMicrotask(() => this.handler.onClose(close))
  }
}
