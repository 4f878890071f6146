import { Buffer } from 'node:buffer'
import type { Timer, Timers, Transport, TransportClose, TransportHandler } from '@weft/core'

/** How long bytes that may yet turn out to be of another protocol are held back. */
const holdMs = 50

/**
 * Stands before the reader of a client whose server spoke first, until its own first bytes are known to belong there. Bytes
 * that belong on another chain (an HTTP request, a ClientHello) never pass: `onRefused` instead.
 */
export class FirstBytesGate implements TransportHandler {
  readonly #transport: Transport
  readonly #reader: TransportHandler
  readonly #timers: Timers
  readonly #fits: (bytes: Buffer) => boolean | undefined
  readonly #onRefused: () => void
  #held: Buffer | undefined
  #timer: Timer | undefined
  #over = false

  constructor(
    transport: Transport,
    fits: (bytes: Buffer) => boolean | undefined,
    timers: Timers,
    onRefused: () => void,
  ) {
    this.#transport = transport
    this.#reader = transport.handler
    this.#fits = fits
    this.#timers = timers
    this.#onRefused = onRefused
    transport.handler = this
  }

  onData(chunk: Buffer): void {
    if (this.#over) return
    this.#held = this.#held === undefined ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk])
    const verdict = this.#fits(this.#held)
    if (verdict === undefined) {
      this.#timer ??= this.#timers.set(holdMs, () => this.#open())
      return
    }
    if (verdict) return this.#open()
    this.#over = true
    this.#timer?.cancel()
    this.#onRefused()
  }

  onEnd(): void {
    this.#open()
    this.#reader.onEnd()
  }

  onDrain(): void {
    this.#reader.onDrain()
  }

  onClose(close: TransportClose): void {
    this.#timer?.cancel()
    this.#over = true
    this.#reader.onClose(close)
  }

  #open(): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#transport.handler = this.#reader
    if (this.#held !== undefined) this.#reader.onData(this.#held)
  }
}
