import { createServer, isIP, isIPv6, type Server } from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { ConnectOptions, ListenAt, Net, NetListener, Transport, TransportClose } from '../transport.ts'
import { nodeNet } from './node-net.ts'
import { secureClient, secureServer } from './node-tls.ts'
import type { RawBindings, RawName, RawRequest } from './raw-bindings.ts'
import { RawShared, RawTransport, type TransportHandle } from './raw-transport.ts'
import { closeFromError } from './socket-transport.ts'
import { loopTurn, type Turn } from './turn.ts'

interface ListeningHandle {
  onconnection: ((status: number, accepted: TransportHandle | undefined) => void) | undefined
}

/**
 * The machine's network on raw TCP handles. Unix sockets and host names stay with `node:net`: they are not on the request
 * path.
 */
export function rawNet(bindings: RawBindings, turn: Turn = loopTurn): Net {
  const shared = new RawShared(bindings, turn)
  return {
    listen: (at, onConnection) =>
      at.host.startsWith('/') ? nodeNet.listen(at, onConnection) : listen(at, onConnection, shared),
    connect: (options, onOpen, onFail) =>
      isIP(options.host) === 0 ? nodeNet.connect(options, onOpen, onFail) : connect(options, onOpen, onFail, shared),
    secureServer,
    secureClient,
    ...(nodeNet.datagrams === undefined ? {} : { datagrams: nodeNet.datagrams }),
    ...(nodeNet.names === undefined ? {} : { names: nodeNet.names }),
  }
}

function listen(
  at: ListenAt,
  onConnection: (transport: Transport) => void,
  shared: RawShared,
): Promise<{ ok: true; value: NetListener } | { ok: false; error: string }> {
  const server = createServer() as Server & { _handle?: ListeningHandle | null }
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ ok: false, error: error.message }))
    const onListening = (): void => {
      const handle = server._handle
      const bound = server.address()
      if (handle === undefined || handle === null || bound === null || typeof bound === 'string') {
        server.close()
        return resolve({ ok: false, error: 'node does not show its listening handle' })
      }
      // Nothing was accepted yet: the event loop has not turned since listen(2).
      handle.onconnection = (status, accepted) => {
        // Out of descriptors: accepting goes on when some are free again.
        if (status === 0 && accepted !== undefined) accept(accepted, onConnection, shared)
      }
      server.removeAllListeners('error')
      server.on('error', () => {})
      const close = async (): Promise<void> => {
        server.close()
      }
      resolve({ ok: true, value: { address: bound.address, port: bound.port, close } })
    }
    const backlog = at.backlog ?? 4096
    if (at.handle !== undefined) server.listen(at.handle, backlog, onListening)
    else server.listen({ host: at.host, port: at.port, backlog, exclusive: true }, onListening)
  })
}

function accept(handle: TransportHandle, onConnection: (transport: Transport) => void, shared: RawShared): void {
  const local: RawName = {}
  const remote: RawName = {}
  // A peer that is gone before we look has no address any more.
  if (handle.getsockname(local) !== 0 || handle.getpeername(remote) !== 0) return handle.close()
  onConnection(new RawTransport(handle, shared, local, remote))
}

function connect(
  options: ConnectOptions,
  onOpen: (transport: Transport) => void,
  onFail: (close: TransportClose) => void,
  shared: RawShared,
): () => void {
  const { host, port, localAddress, keepAlive } = options
  const { TCP, TCPConnectWrap, clientType } = shared.bindings
  const handle: TransportHandle = new TCP<RawTransport>(clientType)
  let over = false
  const finish = (code: number, call: string): void => {
    if (over) return
    over = true
    const local: RawName = {}
    if (code === 0 && handle.getsockname(local) === 0) {
      if (keepAlive !== undefined)
        handle.setKeepAlive(true, keepAlive.idleSeconds, keepAlive.intervalSeconds, keepAlive.probes)
      return onOpen(new RawTransport(handle, shared, local, { address: host, port }))
    }
    handle.close()
    const name = code === 0 ? 'ENOTCONN' : getSystemErrorName(code)
    onFail(closeFromError({ code: name, message: `${call} ${name} ${host}:${port}` }))
  }
  const request: RawRequest<unknown> = new TCPConnectWrap()
  request.oncomplete = (status) => finish(status, 'connect')
  const bound = localAddress === undefined ? 0 : bindTo(handle, localAddress)
  const begun = bound !== 0 ? bound : begin(handle, request, host, port)
  if (begun !== 0) setImmediate(finish, begun, bound === 0 ? 'connect' : `bind ${localAddress}`)
  return () => {
    if (over) return
    over = true
    handle.close()
  }
}

function bindTo(handle: TransportHandle, address: string): number {
  return isIPv6(address) ? handle.bind6(address, 0, 0) : handle.bind(address, 0, 0)
}

function begin(handle: TransportHandle, request: RawRequest<unknown>, host: string, port: number): number {
  return isIPv6(host) ? handle.connect6(request, host, port) : handle.connect(request, host, port)
}
