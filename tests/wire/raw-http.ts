// Raw bytes against a port, and backends whose every byte the test decides.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'

/** Sends text in the given pieces (in turns of the event loop) and reads until the other side closes or `until` matches. */
export async function converse(
  port: number,
  pieces: readonly (string | Buffer)[],
  until: (text: string) => boolean = () => false,
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let text = ''
  const over = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (until(text)) resolve()
    })
    socket.on('close', () => resolve())
    socket.on('error', () => resolve())
  })
  for (const piece of pieces) {
    if (socket.destroyed) break
    socket.write(piece)
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve))
  }
  try {
    await within(`an end of what port ${port} says`, over)
  } finally {
    socket.destroy()
  }
  return text
}

/** A backend made of bytes. */
export interface RawBackend {
  readonly port: number
  readonly server: Server
  /** Connections accepted so far. */
  connections: number
  /** Everything each connection received, in order of accepting. */
  readonly received: string[]
  close(): Promise<void>
}

/** Starts one; `onText` sees what a connection has received so far after each piece. */
export async function rawBackend(
  onText: (socket: Socket, text: string, connection: number) => void,
): Promise<RawBackend> {
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const index = backend.connections++
    received[index] = ''
    sockets.add(socket)
    socket.on('data', (chunk) => {
      received[index] += chunk.toString('latin1')
      onText(socket, received[index] as string, index)
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  // A test that fails before it would end its backend ends nevertheless.
  server.unref()
  await once(server, 'listening')
  const backend: RawBackend = {
    port: (server.address() as AddressInfo).port,
    server,
    connections: 0,
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return backend
}

/** Answers each complete request without a body on a connection with `answer`. */
export async function answering(answer: string | ((requestNumber: number) => string)): Promise<RawBackend> {
  const counts = new Map<Socket, number>()
  return rawBackend((socket, text) => {
    const heads = text.split('\r\n\r\n').length - 1
    for (let at = counts.get(socket) ?? 0; at < heads; at++) {
      socket.write(typeof answer === 'string' ? answer : answer(at))
    }
    counts.set(socket, heads)
  })
}
