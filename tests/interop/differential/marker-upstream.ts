// Applications for a comparison: one server on many addresses that remembers, by the tag in User-Agent, which endpoint a
// request reached and what it looked like there.
import { createServer as createHttp1 } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { pickHeaders, type SeenUpstream } from './answer.ts'
import { type ApplicationRequest, type ApplicationResponse, behave } from './application.ts'

/** The applications. */
export interface MarkerUpstream {
  readonly port: number
  /** Starts an endpoint at the address unless there is one. */
  listenAt(address: string): Promise<void>
  /** What arrived with the tag, by endpoint, the latest last. */
  arrived(tag: string): readonly SeenUpstream[]
  forget(tag: string): void
  close(): void
}

/** Starts with one endpoint, whose free port becomes the port of all. */
export async function startMarkerUpstream(firstAddress: string): Promise<MarkerUpstream> {
  const servers = new Map<string, Server>()
  const sockets = new Set<Socket>()
  const seen = new Map<string, Map<string, SeenUpstream>>()
  let port = 0
  const listenAt = async (address: string): Promise<void> => {
    if (servers.has(address)) return
    const server = bilingualServer(sockets, (request, response) => {
      const tag = request.headers['user-agent'] ?? ''
      const endpoint = `${address}:${port}`
      const arrivals = seen.get(tag) ?? new Map<string, SeenUpstream>()
      const attempts = (arrivals.get(endpoint)?.attempts ?? 0) + 1
      arrivals.delete(endpoint)
      seen.set(tag, arrivals.set(endpoint, seenOf(endpoint, request, attempts)))
      behave(request, response)
    })
    servers.set(address, server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, address, resolve)
    })
    port = (server.address() as AddressInfo).port
  }
  await listenAt(firstAddress)
  return {
    port,
    listenAt,
    arrived: (tag) => [...(seen.get(tag)?.values() ?? [])],
    forget: (tag) => void seen.delete(tag),
    close() {
      for (const socket of sockets) socket.destroy()
      for (const server of servers.values()) server.close()
    },
  }
}

/** Speaks HTTP/2 to who begins with its preface, else HTTP/1.1. */
function bilingualServer(
  sockets: Set<Socket>,
  answer: (request: ApplicationRequest, response: ApplicationResponse) => void,
): Server {
  const http1 = createHttp1(answer)
  http1.keepAliveTimeout = 60_000
  const http2 = createHttp2(answer)
  return createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.once('data', (first: Buffer) => {
      socket.pause()
      socket.unshift(first)
      const server = first.toString('latin1').startsWith('PRI ') ? http2 : http1
      server.emit('connection', socket)
      if (server === http1) socket.resume()
    })
  })
}

function seenOf(endpoint: string, request: ApplicationRequest, attempts: number): SeenUpstream {
  const lines = request.rawHeaders.flatMap((name, index, all): (readonly [string, string])[] =>
    index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
  )
  return {
    endpoint,
    method: request.method ?? '',
    path: request.url ?? '',
    authority: request.headers.host ?? String(request.headers[':authority'] ?? ''),
    headers: pickHeaders(lines),
    attempts,
    copies: 0,
  }
}
