// Listeners, servers and clients of the tests below HTTP.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { any, type JsonConfig, staticCluster } from './proxy-under-test.ts'

/** A server on a port of loopback that ends with the test. */
export async function tcpServer(
  t: TestContext,
  onConnection: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly server: Server; readonly sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, sockets }
}

/** A client connection that ends with the test; `text` is what arrived. */
export interface Client {
  readonly socket: Socket
  text(): string
  /** The proxy finished, or broke off. */
  readonly ended: Promise<unknown>
  readonly closed: Promise<unknown>
}

/** Connects and collects. */
export async function client(t: TestContext, port: number, host = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const ended = Promise.race([new Promise((resolve) => socket.once('end', resolve)), closed])
  await once(socket, 'connect')
  return {
    socket,
    text: () => Buffer.concat(pieces).toString('latin1'),
    get ended() {
      return within('the end of a connection', ended)
    },
    get closed() {
      return within('the close of a connection', closed)
    },
  }
}

/** A TCP proxy filter to a cluster. */
export function tcpProxy(cluster: string | undefined, more: JsonObject = {}): JsonObject {
  const to: JsonObject = cluster === undefined ? {} : { cluster }
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typedConfig: any('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { statPrefix: 'test', ...to, ...more }),
  }
}

/** A listener on any port of loopback; several of one proxy need an address each. */
export function tcpListener(name: string, more: JsonObject, address = '127.0.0.1'): JsonObject {
  return { name, address: { socketAddress: { address, portValue: 0 } }, ...more }
}

/** A listener filter by the last part of its package's name. */
export function listenerFilter(kind: 'tls_inspector' | 'http_inspector' | 'proxy_protocol', more: JsonObject = {}) {
  const message = { tls_inspector: 'TlsInspector', http_inspector: 'HttpInspector', proxy_protocol: 'ProxyProtocol' }
  return {
    name: `envoy.filters.listener.${kind}`,
    typedConfig: any(`envoy.extensions.filters.listener.${kind}.v3.${message[kind]}`, more),
  }
}

/** The transport socket that sends a PROXY header first; around plaintext. */
export function proxyProtocolSocket(version: 'V1' | 'V2', inner?: JsonObject): JsonObject {
  return {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typedConfig: any('envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
      config: { version },
      transportSocket: inner ?? {
        name: 'envoy.transport_sockets.raw_buffer',
        typedConfig: any('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    }),
  }
}

/** Connections that begin with a PROXY header, handed on to a server. */
export function readsProxyHeaders(port: number, cluster: JsonObject = {}): JsonConfig {
  const filterChains = [{ filters: [tcpProxy('b')] }]
  return {
    listeners: [tcpListener('in', { listenerFilters: [listenerFilter('proxy_protocol')], filterChains })],
    clusters: [staticCluster('b', [port], cluster)],
  }
}
