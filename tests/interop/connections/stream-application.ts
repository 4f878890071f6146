// Applications that say where a connection has come to: one server on many addresses and ports, which also ends TLS that was passed on.
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { TlsMaterial } from '@weft/core'

/** What an application says of a connection, in one line of JSON. */
export interface Arrived {
  /** `address:port` of the application. */
  readonly at: string
  /** The server name that the client asked the application for, '' for none; absent: it spoke no TLS to it. */
  readonly tls?: string
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
  const secureContext = createSecureContext({ cert: material.certificateChainPem, key: material.privateKeyPem })
  const serve = (socket: Socket, at: string): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const say = (to: Socket, tls?: string): void => {
      to.write(`${JSON.stringify({ at, ...(tls === undefined ? {} : { tls }) })}\n`)
    }
    const greeting = setTimeout(() => say(socket), greetAfterMs)
    socket.on('close', () => clearTimeout(greeting))
    socket.once('data', (first: Buffer) => {
      clearTimeout(greeting)
      if (first[0] !== handshakeByte) return say(socket)
      socket.pause()
      socket.unshift(first)
      const secured = new TLSSocket(socket, { isServer: true, secureContext })
      secured.on('error', () => socket.destroy())
      secured.once('data', () => say(secured, typeof secured.servername === 'string' ? secured.servername : ''))
    })
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
