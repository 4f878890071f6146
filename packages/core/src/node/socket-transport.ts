import type { Socket } from 'node:net'
import type { PeerIdentity, Transport, TransportClose, TransportHandler } from '../transport.ts'

/** Pieces up to this size are written as a latin1 string: node copies them natively and keeps nothing. */
const stringWriteLimitBytes = 16 * 1024

/** A handler that drops everything, for transports nobody looks at yet. */
export const ignoreTransport: TransportHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} }

/** A socket that knows its transport: listeners are shared functions, not closures made for each connection. */
export type Carrier = Socket & { weftTransport?: SocketTransport }

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
    this.socket.resume()
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
    return this.socket.write(Buffer.from(bytes))
  }

  writeLatin1(text: string): boolean {
    return this.socket.write(text, 'latin1')
  }

  end(): void {
    this.socket.end()
  }

  destroy(reset = false): void {
    this.#local = true
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
  this.weftTransport?.handler.onEnd()
}

function onDrain(this: Carrier): void {
  this.weftTransport?.handler.onDrain()
}

function onError(this: Carrier, error: NodeJS.ErrnoException): void {
  if (this.weftTransport !== undefined) this.weftTransport.failure ??= closeFromError(error)
}

function onClose(this: Carrier): void {
  const transport = this.weftTransport
  if (transport === undefined) return
  const { handler } = transport
  transport.handler = ignoreTransport
  handler.onClose(transport.closeReason())
}

/** `onread` of a client socket: bytes are in a buffer shared by all sockets, valid during the call. */
export function onSharedRead(this: Carrier, byteCount: number, buffer: Uint8Array): boolean {
  const transport = this.weftTransport
  if (transport === undefined) return true
  transport.handler.onData((buffer as Buffer).subarray(0, byteCount))
  return !transport.paused
}
