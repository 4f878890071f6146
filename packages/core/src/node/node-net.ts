import { connect as netConnect, createServer, Socket, type SocketConstructorOpts } from 'node:net'
import type { ConnectOptions, ListenAt, Net, NetListener, Transport, TransportClose } from '../transport.ts'
import { nodeDatagrams } from './node-datagrams.ts'
import { nodeNames } from './node-names.ts'
import { secureClient, secureServer } from './node-tls.ts'
import { type Carrier, closeFromError, onSharedRead, SocketTransport } from './socket-transport.ts'

/**
 * All sockets read into this one buffer: what arrives is consumed during the callback. Without it node takes 64 kB from
 * the allocator for each read.
 */
const sharedRead = Buffer.allocUnsafeSlow(64 * 1024)
const onread = { buffer: sharedRead, callback: onSharedRead as (bytes: number, buffer: Uint8Array) => boolean }

/** The machine's network. */
export const nodeNet: Net = { listen, connect, secureServer, secureClient, datagrams: nodeDatagrams, names: nodeNames }

function listen(
  at: ListenAt,
  onConnection: (transport: Transport) => void,
): Promise<{ ok: true; value: NetListener } | { ok: false; error: string }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    // A peer that is gone before we look has no address any more.
    if (socket.remoteAddress === undefined && at.port >= 0 && !at.host.startsWith('/')) socket.destroy()
    else onConnection(new SocketTransport(readingShared(socket)))
  })
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ ok: false, error: error.message }))
    const where = at.host.startsWith('/') ? { path: at.host } : { host: at.host, port: at.port }
    const onListening = (): void => {
      server.removeAllListeners('error')
      // Out of descriptors: accepting goes on when some are free again.
      server.on('error', () => {})
      const bound = server.address()
      const [address, port] = bound === null || typeof bound === 'string' ? [at.host, 0] : [bound.address, bound.port]
      const close = async (): Promise<void> => {
        server.close()
      }
      resolve({ ok: true, value: { address, port, close } })
    }
    const backlog = at.backlog ?? 4096
    if (at.handle !== undefined) server.listen(at.handle, backlog, onListening)
    else server.listen({ ...where, backlog, exclusive: true }, onListening)
  })
}

/**
 * The same accepted connection as a socket that reads into the shared buffer: a server cannot be told to make such ones,
 * so the handle moves over. A node that keeps its handles elsewhere serves on as before, with a buffer per read.
 */
function readingShared(accepted: Socket): Socket {
  const carrier = accepted as Socket & { _handle?: object | null }
  const handle = carrier._handle
  if (handle === undefined || handle === null) return accepted
  carrier._handle = null
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread }
  return new Socket(options as SocketConstructorOpts)
}

function connect(
  options: ConnectOptions,
  onOpen: (transport: Transport) => void,
  onFail: (close: TransportClose) => void,
): () => void {
  const socket: Carrier = netConnect({
    ...(options.host.startsWith('/') ? { path: options.host } : { host: options.host, port: options.port }),
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    allowHalfOpen: true,
    noDelay: true,
    autoSelectFamily: false,
    onread,
  })
  socket.pause()
  const failed = (error: NodeJS.ErrnoException): void => {
    socket.removeListener('connect', connected)
    onFail(closeFromError(error))
  }
  const connected = (): void => {
    socket.removeListener('error', failed)
    const { keepAlive } = options
    if (keepAlive !== undefined)
      socket.setKeepAlive({
        enable: true,
        initialDelay: keepAlive.idleSeconds * 1000,
        interval: keepAlive.intervalSeconds * 1000,
        count: keepAlive.probes,
      })
    onOpen(new SocketTransport(socket))
  }
  socket.once('connect', connected)
  socket.once('error', failed)
  return () => giveUp(socket, connected, failed)
}

function giveUp(socket: Socket, connected: () => void, failed: (error: Error) => void): void {
  socket.removeListener('connect', connected)
  socket.removeListener('error', failed)
  socket.on('error', () => {})
  socket.destroy()
}
