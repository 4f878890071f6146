// An HTTP/1.1 client that costs next to nothing, so that the load it makes does not starve what it measures: sockets, prepared bytes, answers
// that are told by their length or their last chunk.
import { connect, type Socket } from 'node:net'

/** What came back; a string says what came instead of an answer. */
export type LoadAnswer = { readonly status: number; readonly body: string } | string

export interface LoadClient {
  /** Sends `request` (whole, as bytes) over a kept connection, or over one of its own that it asks to close. Never rejects. */
  ask(request: Buffer, fresh: boolean, timeoutMs: number): Promise<LoadAnswer>
  close(): void
}

const bodyMax = 1_000_000

/** A client of one address. */
export function makeLoadClient(host: string, port: number): LoadClient {
  const idle: Socket[] = []
  const give = (socket: Socket): void => {
    socket.removeAllListeners()
    // Whatever happens to it now, it is not taken again.
    const drop = (): void => {
      const at = idle.indexOf(socket)
      if (at >= 0) idle.splice(at, 1)
      socket.destroy()
    }
    socket.on('error', drop)
    socket.on('close', drop)
    socket.on('end', drop)
    idle.push(socket)
  }
  const take = (): Socket | undefined => {
    const socket = idle.pop()
    socket?.removeAllListeners()
    return socket
  }
  const ask: LoadClient['ask'] = (request, fresh, timeoutMs) =>
    new Promise((resolve) => {
      const socket = (fresh ? undefined : take()) ?? connect({ host, port, noDelay: true })
      let received: Buffer = Buffer.alloc(0)
      const timer = setTimeout(() => finish('no answer in time'), timeoutMs)
      const finish = (answer: LoadAnswer, reusable = false): void => {
        clearTimeout(timer)
        if (reusable && !fresh) give(socket)
        else {
          socket.removeAllListeners()
          socket.on('error', () => undefined)
          socket.destroy()
        }
        resolve(answer)
      }
      socket.on('data', (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const answer = wholeAnswer(received)
        if (answer !== undefined) finish(answer.answer, answer.keptOpen)
        else if (received.length > bodyMax) finish('an endless answer')
      })
      socket.on('error', (error: NodeJS.ErrnoException) => finish(String(error)))
      socket.on('end', () => finish('the connection ended before the answer did'))
      socket.write(request)
    })
  return {
    ask,
    close() {
      for (const socket of idle.splice(0)) socket.destroy()
    },
  }
}

/** The answer, once it is all there. */
function wholeAnswer(bytes: Buffer): { answer: LoadAnswer; keptOpen: boolean } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.latin1Slice(0, headEnd).toLowerCase()
  const status = Number(head.slice(9, 12))
  const keptOpen = !head.includes('\r\nconnection: close')
  const bodyStart = headEnd + 4
  const [, length] = /\r\ncontent-length: *(\d+)/.exec(head) ?? []
  if (length !== undefined) {
    if (bytes.length < bodyStart + Number(length)) return undefined
    return { answer: { status, body: bytes.toString('utf8', bodyStart) }, keptOpen }
  }
  if (!/\r\ntransfer-encoding: *chunked/.test(head))
    return { answer: `an answer without length: ${head}`, keptOpen: false }
  if (bytes.indexOf('\r\n0\r\n\r\n', headEnd) < 0) return undefined
  return { answer: { status, body: bytes.toString('utf8', bodyStart) }, keptOpen }
}
