import { Duplex } from 'node:stream'
import { SocketTransport } from './socket-transport.ts'
import type { Transport } from '../transport.ts'

/**
 * A `Duplex` over any transport, for library code that wants a stream (`node:tls` over an in-process connection,
 * `node:http2` over a Unix socket). Not for the request path.
 */
export function transportDuplex(transport: Transport): Duplex {
  return transport instanceof SocketTransport ? transport.detach() : new TransportDuplex(transport)
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
