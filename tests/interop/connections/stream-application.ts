// Applications that say where a connection has come to: one server on many addresses and ports, which also ends TLS that was passed on.
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { TlsMaterial } from '@weft/core'

/** What an application says of a connection, in one line of JSON. */
export interface Arrived {
  /** `address:port` of the application. */
  readonly at: string
  /** TLS that ended here, the outermost first. */
  readonly layers: readonly Layer[]
}

/** TLS as an application sees it. */
export interface Layer {
  /** '' for none. */
  readonly serverName: string
  /** Names in the certificate that was shown; '' for none. */
  readonly client: string
}

/** The applications. */
export interface StreamApplications {
  /** Starts one at each port of the address unless there is one. */
  listenAt(address: string): Promise<void>
  close(): void
}

/** Who says nothing for so long is greeted. */
const greetAfterMs = 250

const handshakeByte = 0x16

/** None listens yet. */
export function streamApplications(ports: readonly number[], material: TlsMaterial): StreamApplications {
  const servers = new Map<string, Server>()
  const sockets = new Set<Socket>()
  const { certificateChainPem: cert, privateKeyPem: key } = material
  // Without a context no session with a client's certificate can be resumed.
  const secureContext = createSecureContext({ cert, key, sessionIdContext: 'application' })
  const serve = (socket: Socket, at: string): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const end = (): void => void socket.destroy()
    const listen = (from: Socket, layers: readonly Layer[]): void => {
      from.on('error', end)
      const say = (): void => void from.write(`${JSON.stringify({ at, layers })}\n`)
      const greeting = setTimeout(say, greetAfterMs)
      socket.on('close', () => clearTimeout(greeting))
      from.once('data', (first: Buffer) => {
        clearTimeout(greeting)
        if (first[0] !== handshakeByte) return say()
        from.pause()
        from.unshift(first)
        const secured = new TLSSocket(from, {
          isServer: true,
          secureContext,
          requestCert: true,
          rejectUnauthorized: false,
        })
        secured.on('error', end)
        secured.once('secure', () => listen(secured, [...layers, layerOf(secured)]))
      })
    }
    listen(socket, [])
  }
  return {
    async listenAt(address) {
      for (const port of ports) {
        const at = `${address}:${port}`
        if (servers.has(at)) continue
        const server = createServer((socket) => serve(socket, at))
        servers.set(at, server)
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(port, address, resolve)
        })
      }
    },
    close() {
      for (const socket of sockets) socket.destroy()
      for (const server of servers.values()) server.close()
    },
  }
}

function layerOf(secured: TLSSocket): Layer {
  const { servername } = secured as TLSSocket & { readonly servername?: string | false }
  const { subjectaltname = '' } = secured.getPeerCertificate() as { readonly subjectaltname?: string }
  return { serverName: typeof servername === 'string' ? servername : '', client: subjectaltname }
}
