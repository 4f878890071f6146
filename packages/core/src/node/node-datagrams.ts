import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import type { DatagramAt, DatagramPeer, Datagrams, DatagramSocket } from '../transport.ts'

/** Datagrams handed to the kernel and not taken yet; more are dropped. */
const maxQueued = 256

/** UDP of this machine. Addresses are literals: no name is ever looked up. */
export const nodeDatagrams: Datagrams = { bind }

function bind(
  at: DatagramAt,
  onDatagram: (bytes: Uint8Array, from: DatagramPeer) => void,
  onError: (detail: string) => void,
): Promise<{ ok: true; value: DatagramSocket } | { ok: false; error: string }> {
  const family = at.host.includes(':') ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reusePort: at.shared === true && at.port !== 0,
    lookup: (host, _options, done) => done(null, host, family),
  })
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      socket.close()
      resolve({ ok: false, error: error.message })
    }
    socket.once('error', failed)
    socket.bind({ address: at.host, port: at.port, exclusive: true }, () => {
      socket.removeListener('error', failed)
      socket.on('error', (error) => onError(error.message))
      socket.on('message', (bytes, { address, port }) => onDatagram(bytes, { address, port }))
      const { address, port } = socket.address() as AddressInfo
      let queued = 0
      let closed = false
      const sent = (error: Error | null): void => {
        queued -= 1
        if (error !== null && !closed) onError(error.message)
      }
      resolve({
        ok: true,
        value: {
          address,
          port,
          send: (bytes, to) => {
            if (closed || queued >= maxQueued) return
            queued += 1
            socket.send(bytes, to.port, to.address, sent)
          },
          close: () => {
            if (closed) return
            closed = true
            socket.close()
          },
        },
      })
    })
  })
}
