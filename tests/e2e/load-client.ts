// An HTTP/1.1 client that costs next to nothing, so that the load it makes does not starve what it measures: sockets that read into one buffer,
// prepared bytes, answers that are told by their length or their last chunk, one timer for all deadlines.
import { connect, type Socket } from 'node:net'

/** What came back; a string says what came instead of an answer. */
export type LoadAnswer = { readonly status: number; readonly body: string } | string

export interface LoadClient {
  /** Sends `request` (whole, as bytes) over a kept connection, or over one of its own that it asks to close. Tells `done` once, later. */
  ask(request: Buffer, fresh: boolean, done: (answer: LoadAnswer) => void): void
  /** Ends what is idle; whoever waits has no deadline any more. */
  close(): void
}

interface Question {
  readonly connection: Connection
  readonly fresh: boolean
  readonly leftAt: number
  readonly done: (answer: LoadAnswer) => void
}

interface Connection {
  readonly socket: Socket
  asked: Question | undefined
  /** What has come of an answer that is not whole yet. */
  received: Buffer | undefined
}

const bodyMax = 1_000_000
const sweepEveryMs = 50

/** A client of one address; an answer that takes longer than `timeoutMs` is none. */
export function makeLoadClient(host: string, port: number, timeoutMs: number): LoadClient {
  const idle: Connection[] = []
  // In the order in which they were asked, which is that of their deadlines.
  const open = new Set<Question>()
  // What is read is looked at before anything else is read, so all may use the same place.
  const shared = Buffer.allocUnsafeSlow(65_536)

  const finish = (connection: Connection, answer: LoadAnswer, reusable = false): void => {
    const { asked, socket } = connection
    connection.received = undefined
    connection.asked = undefined
    if (reusable && asked?.fresh === false) idle.push(connection)
    else {
      const at = idle.indexOf(connection)
      if (at >= 0) idle.splice(at, 1)
      socket.destroy()
    }
    if (asked === undefined) return
    open.delete(asked)
    asked.done(performance.now() - asked.leftAt > timeoutMs ? 'no answer in time' : answer)
  }
  const read = (connection: Connection, chunk: Buffer): void => {
    const { received, asked } = connection
    const bytes = received === undefined ? chunk : Buffer.concat([received, chunk])
    const whole = asked === undefined ? undefined : wholeAnswer(bytes)
    if (whole !== undefined) finish(connection, whole.answer, whole.keptOpen)
    else if (asked === undefined || bytes.length > bodyMax) finish(connection, 'an endless answer')
    else connection.received = bytes === chunk ? Buffer.from(chunk) : bytes
  }
  const dial = (): Connection => {
    const onread = {
      buffer: shared,
      callback: (length: number): boolean => {
        read(connection, shared.subarray(0, length))
        return true
      },
    }
    const connection: Connection = { socket: connect({ host, port, onread }), asked: undefined, received: undefined }
    connection.socket.on('error', (error) => finish(connection, String(error)))
    connection.socket.on('end', () => finish(connection, 'the connection ended before the answer did'))
    return connection
  }
  const sweep = (): void => {
    const now = performance.now()
    for (const question of open) {
      if (now - question.leftAt <= timeoutMs) return
      finish(question.connection, 'no answer in time')
    }
  }
  const sweeper = setInterval(sweep, sweepEveryMs)
  return {
    ask(request, fresh, done) {
      const connection = (fresh ? undefined : idle.pop()) ?? dial()
      const question = { connection, fresh, leftAt: performance.now(), done }
      connection.asked = question
      open.add(question)
      connection.socket.write(request)
    },
    close() {
      clearInterval(sweeper)
      for (const { socket } of idle.splice(0)) socket.destroy()
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
