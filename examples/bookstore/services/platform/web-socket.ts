// The server's end of a WebSocket connection that only tells things.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { frameReader, serverFrame } from './web-socket-frames.ts'

export interface LiveSocket {
  /** Sends a text; false when the client does not keep up, and what is sent now would wait in memory. */
  send(text: string): boolean
  /** Says goodbye with a code (1000: all said) and ends. */
  close(code: number): void
  /** Aborted when the connection has ended, whoever ended it. */
  readonly ended: AbortSignal
}

const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const pingEveryMs = 20_000
const closeTimeoutMs = 2_000

/** Whether a request asks for a WebSocket as version 13 wants it. */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['sec-websocket-key'] !== undefined && headers['sec-websocket-version'] === '13'
}

/** Answers such a request with 101; `head` is what came right behind it. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): LiveSocket {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${acceptGuid}`).digest('base64')
  if (head.length > 0) socket.unshift(head)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  )
  const controller = new AbortController()
  let closing = false
  let heard = true
  const close = (code: number): void => {
    if (closing) return
    closing = true
    const payload = Buffer.alloc(2)
    payload.writeUInt16BE(code)
    socket.end(serverFrame('close', payload))
    setTimeout(() => socket.destroy(), closeTimeoutMs).unref()
  }
  const read = frameReader()
  socket.on('data', (bytes: Buffer) => {
    heard = true
    for (const frame of read(bytes)) {
      if (frame.kind === 'ping' && !closing) socket.write(serverFrame('pong', frame.payload))
      if (frame.kind === 'close') close(1000)
      if (frame.kind === 'fault') close(frame.code)
    }
  })
  const alive = setInterval(() => {
    if (!heard) socket.destroy()
    heard = false
    if (!closing) socket.write(serverFrame('ping', Buffer.alloc(0)))
  }, pingEveryMs)
  socket.on('error', () => socket.destroy())
  socket.on('end', () => close(1000))
  socket.once('close', () => {
    clearInterval(alive)
    controller.abort()
  })
  return {
    ended: controller.signal,
    close,
    send: (text) => !closing && socket.write(serverFrame('text', Buffer.from(text))),
  }
}
