import { Duplex } from 'node:stream'
import { RawTransport } from './raw-transport.ts'
import { SocketTransport } from './socket-transport.ts'
import type { Transport } from '../transport.ts'

/**
 * A `Duplex` over any transport, for library code that wants a stream. A real socket is given as such, since `node:tls`
 * then encrypts right on its handle; the rest (`node:tls` inside another connection) pays for a stream in between.
 */
export function transportDuplex(transport: Transport): Duplex {
  if (transport instanceof SocketTransport) return transport.detach()
  if (transport instanceof RawTransport && transport.isOpen) return transport.detach()
  return new TransportDuplex(transport)
}

class TransportDuplex extends Duplex {
  readonly #transport: Transport
  #afterWrite: (() => void) | undefined

  constructor(transport: Transport) {
    super({ allowHalfOpen: true })
    this.#transport = transport
    transport.handler = {
      onData: (chunk) => {
        if (!this.push(Buffer.from(chunk))) transport.pause()
      },
      onEnd: () => {
        this.push(null)
      },
      onDrain: () => {
        const done = this.#afterWrite
        this.#afterWrite = undefined
        done?.()
      },
      onClose: (close) => {
        const clean = close.reason === 'closed' || close.reason === 'local'
        this.destroy(clean ? undefined : Object.assign(new Error(close.detail), { code: 'ECONNRESET' }))
      },
    }
  }

  override _read(): void {
    this.#transport.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#transport.write(chunk)) done()
    else this.#afterWrite = done
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#transport.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#transport.destroy(error !== null)
    done(error)
  }
}
