// A stream as a transport: what a CONNECT opens. END_STREAM is the end of a direction, flow control its back-pressure.
import { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport, TransportClose, TransportHandler } from '@weft/core'
import type { MessageReceiver, RequestReceiver, ResponseFailure, ResponseReceiver } from '../http-stream.ts'

/** What the transport needs of its stream. */
interface TunnelStream {
  readonly transport: Transport
  readonly pending: { readonly bytes: number } | undefined
  readonly remoteDone: boolean
  readonly closed: boolean
  sendBytes(bytes: Buffer, start: number, end: number): boolean
  endTunnel(): void
  pauseTunnel(): void
  resumeTunnel(): void
  resetNow(code: number): void
  /** What says that the inner connection broke off. */
  readonly brokenOff: number
}

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** The byte stream inside of an HTTP/2 stream. */
export class StreamTransport implements Transport, RequestReceiver, ResponseReceiver, MessageReceiver {
  handler: TransportHandler = ignore
  readonly #stream: TunnelStream
  #endSent = false
  #endSeen = false
  #over = false

  constructor(stream: TunnelStream) {
    this.#stream = stream
  }

  get localAddress(): string {
    return this.#stream.transport.localAddress
  }
  get localPort(): number {
    return this.#stream.transport.localPort
  }
  get remoteAddress(): string {
    return this.#stream.transport.remoteAddress
  }
  get remotePort(): number {
    return this.#stream.transport.remotePort
  }
  get peer(): PeerIdentity | undefined {
    return this.#stream.transport.peer
  }
  get alpn(): string | undefined {
    return this.#stream.transport.alpn
  }
  get sni(): string | undefined {
    return this.#stream.transport.sni
  }
  get queuedBytes(): number {
    return this.#stream.pending?.bytes ?? 0
  }

  resume(): void {
    this.#stream.resumeTunnel()
  }

  pause(): void {
    this.#stream.pauseTunnel()
  }

  write(bytes: Buffer): boolean {
    return this.#over || this.#endSent || this.#stream.sendBytes(bytes, 0, bytes.length)
  }

  writeLatin1(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'))
  }

  end(): void {
    if (this.#over || this.#endSent) return
    this.#endSent = true
    this.#stream.endTunnel()
    this.#closeWhenBothEnded()
  }

  destroy(reset = false): void {
    if (this.#over) return
    // A complete one needs no reset at all.
    if (!this.#stream.closed) this.#stream.resetNow(this.#stream.brokenOff)
    this.#close({ reason: 'local', detail: reset ? 'reset by this side' : 'closed by this side' })
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.handler.onData(bytes.subarray(start, end))
  }

  onEnd(): void {
    this.#endSeen = true
    this.handler.onEnd()
    this.#closeWhenBothEnded()
  }

  onFlush(): void {}

  onWritable(): void {
    this.handler.onDrain()
  }

  onGone(detail: string, how: 'closed' | 'reset' | 'protocol' = 'closed'): void {
    // The connection around the stream is another matter than the stream.
    this.#close({ reason: how === 'closed' ? 'unreachable' : 'reset', detail })
  }

  onFailure({ kind, detail }: ResponseFailure): void {
    this.#close({ reason: kind === 'closed' ? 'unreachable' : kind === 'refused' ? 'refused' : 'reset', detail })
  }

  onBodyFault(details: string): void {
    this.#close({ reason: 'reset', detail: details })
  }

  onAhead(): void {}
  onInformational(): void {}
  onHead(): void {}

  #closeWhenBothEnded(): void {
    if (this.#endSent && this.#endSeen) this.#close({ reason: 'closed', detail: '' })
  }

  /** Exactly once, and never within a call of whoever uses the transport. */
  #close(close: TransportClose): void {
    if (this.#over) return
    this.#over = true
    queueMicrotask(() => {
      const { handler } = this
      this.handler = ignore
      handler.onClose(close)
    })
  }
}
