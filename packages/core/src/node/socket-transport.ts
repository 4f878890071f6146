import type { Socket } from 'node:net'
import { holdClock, releaseClock } from './held-clock.ts'
import { Slabs } from './slabs.ts'
import type { PeerIdentity, Transport, TransportClose, TransportHandler } from '../transport.ts'

/** Pieces up to this size are written as a latin1 string: node copies them natively and keeps nothing. */
const stringWriteLimitBytes = 16 * 1024

/** Larger pieces are copied into memory that is used again: a buffer each would be memory outside the heap until the next sweep. */
const slabBytes = 64 * 1024
const slabs = new Slabs(slabBytes)

/** A handler that drops everything, for transports nobody looks at yet. */
export const ignoreTransport: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** A socket that knows its transport: listeners are shared functions, not closures made for each connection. */
export type Carrier = Socket & { weftTransport?: SocketTransport }

/** Tells a handler of `bytes[start, end)`, in the way it wants to be told. */
export function tellBytes(handler: TransportHandler, bytes: Buffer, start: number, end: number): void {
  if (handler.onBytes === undefined) handler.onData(bytes.subarray(start, end))
  else handler.onBytes(bytes, start, end)
}

/** What a handshake established. */
export interface SocketSession {
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni: string | undefined
}

const plainSession: SocketSession = { peer: undefined, alpn: undefined, sni: undefined }

/** A `Transport` over a connected `net.Socket` or `TLSSocket` that allows half-open connections and is paused. */
export class SocketTransport implements Transport {
  handler: TransportHandler = ignoreTransport
  readonly socket: Carrier
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly peer: PeerIdentity | undefined
  readonly alpn: string | undefined
  readonly sni: string | undefined
  paused = true
  failure: TransportClose | undefined = undefined
  #local = false
  /** Bytes that came while it was paused: one read of TLS may bring several records. In order. */
  readonly #early: Buffer[] = []
  /** What came behind them. */
  #ended = false
  #closed = false

  constructor(socket: Socket, session: SocketSession = plainSession, names: Names = socket as Names) {
    this.socket = socket
    this.localAddress = plainAddress(names.localAddress)
    this.localPort = names.localPort ?? 0
    this.remoteAddress = plainAddress(names.remoteAddress)
    this.remotePort = names.remotePort ?? 0
    this.peer = session.peer
    this.alpn = session.alpn
    this.sni = session.sni
    this.socket.weftTransport = this
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('drain', onDrain)
    socket.on('error', onError)
    socket.on('close', onClose)
  }

  get queuedBytes(): number {
    return this.socket.writableLength
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    if (this.#early.length === 0) this.socket.resume()
    else setImmediate(() => this.#deliverEarly())
  }

  /** So many bytes of the shared read buffer. False: no more of them for now. */
  receive(bytes: Buffer, length: number): boolean {
    if (this.paused || this.#early.length > 0) {
      this.#early.push(Buffer.from(bytes.subarray(0, length)))
      return !this.paused
    }
    holdClock()
    try {
      tellBytes(this.handler, bytes, 0, length)
    } finally {
      releaseClock()
    }
    return !this.paused
  }

  #deliverEarly(): void {
    while (!this.paused) {
      const bytes = this.#early.shift()
      if (bytes === undefined) break
      this.handler.onData(bytes)
    }
    if (this.#early.length > 0) return
    if (this.#ended) {
      this.#ended = false
      this.handler.onEnd()
    }
    if (this.#closed) this.closed()
    else if (!this.paused) this.socket.resume()
  }

  /** The peer has finished sending: told behind the bytes that wait. */
  ended(): void {
    if (this.#early.length > 0) this.#ended = true
    else this.handler.onEnd()
  }

  /** The socket is closed: told behind the bytes that wait, unless this side or a failure ended it. */
  closed(): void {
    this.#closed = this.#early.length > 0 && !this.#local && this.failure === undefined
    if (this.#closed) return
    const { handler } = this
    this.#early.length = 0
    this.handler = ignoreTransport
    handler.onClose(this.closeReason())
  }

  pause(): void {
    if (this.paused) return
    this.paused = true
    this.socket.pause()
  }

  write(bytes: Buffer): boolean {
    if (bytes.length <= stringWriteLimitBytes) {
      return this.socket.write(bytes.toString('latin1'), 'latin1')
    }
    let going = true
    for (let at = 0; at < bytes.length; at += slabBytes) {
      const slab = slabs.copy(bytes, at, Math.min(bytes.length, at + slabBytes))
      going = this.socket.write(slab, () => slabs.giveBack(slab))
    }
    return going
  }

  writeLatin1(text: string): boolean {
    return this.socket.write(text, 'latin1')
  }

  end(): void {
    this.socket.end()
  }

  destroy(reset = false): void {
    this.#local = true
    // A close that waited behind bytes waits no longer.
    if (this.#closed) setImmediate(() => this.#closed && this.closed())
    if (reset && !('encrypted' in this.socket)) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** Gives the socket up to a handshake: no callback arrives any more. */
  detach(): Socket {
    const { socket } = this
    socket.removeListener('data', onData)
    socket.removeListener('end', onEnd)
    socket.removeListener('drain', onDrain)
    socket.removeListener('error', onError)
    socket.removeListener('close', onClose)
    this.handler = ignoreTransport
    socket.pause()
    return socket
  }

  closeReason(): TransportClose {
    if (this.#local) return { reason: 'local', detail: 'closed by this side' }
    return this.failure ?? { reason: 'closed', detail: '' }
  }
}

interface Names {
  readonly localAddress?: string
  readonly localPort?: number
  readonly remoteAddress?: string
  readonly remotePort?: number
}

/** IPv4 addresses that arrive on a dual-stack socket are written as IPv4. */
export function plainAddress(address: string | undefined): string {
  return address === undefined ? '' : address.startsWith('::ffff:') ? address.slice(7) : address
}

/** Why a socket failed, from node's error codes. */
export function closeFromError(error: Pick<NodeJS.ErrnoException, 'code' | 'message'>): TransportClose {
  const detail = error.message
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return { reason: 'reset', detail }
    case 'ECONNREFUSED':
    case 'ENOENT':
      return { reason: 'refused', detail }
    case 'ETIMEDOUT':
      return { reason: 'timeout', detail }
    default:
      return { reason: error.code?.startsWith('ERR_SSL') === true ? 'tls' : 'unreachable', detail }
  }
}

function onData(this: Carrier, chunk: Buffer): void {
  this.weftTransport?.handler.onData(chunk)
}

function onEnd(this: Carrier): void {
  this.weftTransport?.ended()
}

function onDrain(this: Carrier): void {
  this.weftTransport?.handler.onDrain()
}

function onError(this: Carrier, error: NodeJS.ErrnoException): void {
  if (this.weftTransport !== undefined) this.weftTransport.failure ??= closeFromError(error)
}

function onClose(this: Carrier): void {
  this.weftTransport?.closed()
}

/** `onread` of a client socket: bytes are in a buffer shared by all sockets, valid during the call. */
export function onSharedRead(this: Carrier, byteCount: number, buffer: Uint8Array): boolean {
  const transport = this.weftTransport
  if (transport === undefined) return true
  return transport.receive(buffer as Buffer, byteCount)
}
