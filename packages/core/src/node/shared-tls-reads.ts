// What `onread` of node:net does for plain sockets, for TLS ones, whose constructor does not take it from a socket that is handed to it.
import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { onSharedRead } from './socket-transport.ts'

/** All TLS sockets decrypt into this one: what arrives is consumed during the callback. */
const sharedRead = Buffer.allocUnsafeSlow(64 * 1024)

interface TlsHandle {
  reading: boolean
  useUserBuffer?(buffer: Buffer): void
  readStop(): number
}

const symbols = Object.getOwnPropertySymbols(new Socket())
const bufferSymbol = symbols.find(({ description }) => description === 'kBuffer')
const callbackSymbol = symbols.find(({ description }) => description === 'kBufferCb')

/**
 * Makes a socket whose handshake is done decrypt into a shared buffer: a buffer of its own for each record is memory outside the heap,
 * of which the collector notices tens of megabytes only when some have gathered. The socket is stopped; whoever resumes it reads. A node that
 * keeps these things elsewhere, or a socket that has read already, goes on as before.
 */
export function shareReads(socket: TLSSocket): void {
  const fields = socket as unknown as Record<symbol, unknown> & { readonly _handle?: TlsHandle | null }
  const handle = fields._handle
  if (bufferSymbol === undefined || callbackSymbol === undefined || socket.readableLength > 0) return
  if (handle === undefined || handle === null || typeof handle.useUserBuffer !== 'function') return
  if (fields[bufferSymbol] !== null || fields[callbackSymbol] !== null) return
  handle.reading = false
  handle.readStop()
  handle.useUserBuffer(sharedRead)
  fields[bufferSymbol] = sharedRead
  fields[callbackSymbol] = onSharedRead.bind(socket)
}
