// Connections whose other end is the benchmark, or another proxy of the same process: what is written gathers until somebody takes it.
import { Buffer } from 'node:buffer'
import type { PeerIdentity, Transport, TransportHandler } from '@weft/core'

const ignore: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }
const mostBytes = 1024 * 1024

/** A proxy's end of a connection; `peerId`: it is secured, speaks HTTP/2, and the other end has this SPIFFE id. */
export class MemoryEnd implements Transport {
  handler: TransportHandler = ignore
  readonly localAddress = '127.66.0.2'
  readonly localPort = 18_080
  readonly remoteAddress = '127.66.0.1'
  readonly remotePort = 40_000
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni = undefined
  readonly queuedBytes = 0
  readonly #bytes = Buffer.allocUnsafeSlow(mostBytes)
  #length = 0

  constructor(peerId?: string) {
    if (peerId === undefined) return
    const notAfterMs = Date.now() + 365 * 24 * 3600_000
    this.peer = { spiffeId: peerId, serial: '01', notAfterMs, fingerprint: 'ab'.repeat(32), subject: '' }
    this.alpn = 'h2'
  }

  resume(): void {}
  pause(): void {}
  write(bytes: Buffer): boolean {
    if (this.#length + bytes.length > mostBytes) throw new Error('nobody takes what is written')
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

  /** What was written since the last call; valid until the next `write`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return taken
  }
}

/** A connection between two proxies, and its two ends. */
export interface Wire {
  readonly client: Transport
  readonly server: Transport
  toServer(): void
  toClient(): void
}

/** Makes a connection; each end knows the other's SPIFFE id. */
export function wire(clientId: string, serverId: string): Wire {
  const [client, server] = [new MemoryEnd(serverId), new MemoryEnd(clientId)]
  return { client, server, toServer: () => deliver(client, server), toClient: () => deliver(server, client) }
}

function deliver(from: MemoryEnd, to: MemoryEnd): void {
  const bytes = from.take()
  if (bytes.length > 0) to.handler.onData(bytes)
}
