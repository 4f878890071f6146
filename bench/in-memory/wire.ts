// A secured connection between two proxies in one process: what one of them writes in its turn, the other reads in one piece.
import { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport, TransportHandler } from '@weft/core'

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** One end of it. */
class WireEnd implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress = '127.66.0.2'
  readonly localPort = 40_000
  readonly remoteAddress = '127.66.0.1'
  readonly remotePort = 8080
  readonly peer: PeerIdentity
  readonly alpn = 'h2'
  readonly sni = undefined
  readonly queuedBytes = 0
  readonly #bytes = Buffer.allocUnsafeSlow(1024 * 1024)
  #length = 0

  constructor(spiffeId: string) {
    this.peer = {
      spiffeId,
      serial: '01',
      notAfterMs: Date.now() + 365 * 24 * 3600_000,
      fingerprint: 'ab'.repeat(32),
      subject: '',
    }
  }

  resume(): void {}
  pause(): void {}
  write(bytes: Buffer): boolean {
    this.#length += bytes.copy(this.#bytes, this.#length)
    return true
  }
  writeLatin1(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'))
  }
  end(): void {}
  destroy(): void {
    throw new Error('the connection between the proxies was given up')
  }

  /** What was written, to whom it is for. */
  deliver(to: WireEnd): void {
    const length = this.#length
    this.#length = 0
    if (length > 0) to.handler.onData(this.#bytes.subarray(0, length))
  }
}

/** A plaintext connection whose other end is the benchmark. */
export class FarEnd implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress = '127.66.0.2'
  readonly localPort = 18_080
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 40_000
  readonly peer = undefined
  readonly alpn = undefined
  readonly sni = undefined
  readonly queuedBytes = 0
  /** Bytes the proxy wrote since this was last set to 0. */
  takenBytes = 0
  readonly #bytes = Buffer.allocUnsafeSlow(64 * 1024)
  #length = 0

  resume(): void {}
  pause(): void {}
  write(bytes: Buffer): boolean {
    this.takenBytes += bytes.length
    if (this.#length + bytes.length > this.#bytes.length) this.#length = 0
    this.#length += bytes.copy(this.#bytes, this.#length)
    return true
  }
  writeLatin1(text: string): boolean {
    return this.write(Buffer.from(text, 'latin1'))
  }
  end(): void {}
  destroy(): void {
    throw new Error('a connection was given up')
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return taken
  }
}

/** A connection and its two ends. */
export interface Wire {
  readonly client: Transport
  readonly server: Transport
  toServer(): void
  toClient(): void
}

/** Makes a connection; each end knows the other's SPIFFE id. */
export function wire(clientId: string, serverId: string): Wire {
  const client = new WireEnd(serverId)
  const server = new WireEnd(clientId)
  return { client, server, toServer: () => client.deliver(server), toClient: () => server.deliver(client) }
}
