// Applications for a comparison: one server on many addresses that remembers, by the tag in User-Agent, which endpoint a
// request reached and what it looked like there.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pickHeaders, type SeenUpstream } from './answer.ts'

/** The applications. */
export interface MarkerUpstream {
  readonly port: number
  /** Starts an endpoint at the address unless there is one. */
  listenAt(address: string): Promise<void>
  /** What arrived with the tag, once; undefined when nothing did. */
  take(tag: string): SeenUpstream | undefined
  close(): void
}

/** Starts with one endpoint, whose free port becomes the port of all. */
export async function startMarkerUpstream(firstAddress: string): Promise<MarkerUpstream> {
  const servers = new Map<string, Server>()
  const seen = new Map<string, SeenUpstream>()
  let port = 0
  const listenAt = async (address: string): Promise<void> => {
    if (servers.has(address)) return
    const server = createServer((request, response) => {
      seen.set(request.headers['user-agent'] ?? '', seenOf(`${address}:${port}`, request))
      request.resume()
      response.writeHead(200, { 'x-added': 'by the application', 'content-length': '2' })
      response.end(request.method === 'HEAD' ? undefined : 'ok')
    })
    server.keepAliveTimeout = 60_000
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
    take(tag) {
      const found = seen.get(tag)
      seen.delete(tag)
      return found
    },
    close() {
      for (const server of servers.values()) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

function seenOf(endpoint: string, request: IncomingMessage): SeenUpstream {
  const lines = request.rawHeaders.flatMap((name, index, all): (readonly [string, string])[] =>
    index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
  )
  return {
    endpoint,
    method: request.method ?? '',
    path: request.url ?? '',
    authority: request.headers.host ?? '',
    headers: pickHeaders(lines),
  }
}
