// Speaks inventory's line protocol over one kept connection. Answers come in the order of the questions.
import { connect, type Socket } from 'node:net'
import { HttpError } from '../platform/http-service.ts'

export interface InventoryClient {
  /** Takes copies under a key; false if there are not enough. Asking again with the same key takes nothing more. */
  reserve(isbn: string, copies: number, key: string): Promise<boolean>
  release(key: string): Promise<void>
  close(): void
}

interface Question {
  readonly resolve: (line: string) => void
  readonly reject: (error: Error) => void
}

interface Connection {
  readonly socket: Socket
  readonly waiting: Question[]
}

const answerTimeoutMs = 4_000
// Below the server's own 60 s: who closes first should be the one who knows that nothing is on its way.
const idleTimeoutMs = 20_000
const waitingMax = 1_000

/** Connects at the first question, and again whenever the connection was lost. Each method rejects with an `HttpError` 503 or 504. */
export function makeInventoryClient(host: string, port: number): InventoryClient {
  let connection: Connection | undefined
  const current = (): Connection => {
    if (connection === undefined || connection.socket.destroyed || connection.socket.writableEnded)
      connection = open(host, port)
    return connection
  }
  const ask = async (line: string): Promise<string> => {
    try {
      return await askOn(current(), line)
    } catch (error) {
      // Every command may be said twice, so a lost connection is worth one more try; slowness is not.
      if (error instanceof HttpError && error.status === 504) throw error
      return askOn(current(), line)
    }
  }
  return {
    async reserve(isbn, copies, key) {
      const answer = await ask(`RESERVE ${isbn} ${copies} ${key}`)
      if (answer.startsWith('SHORT ')) return false
      numberOf(answer)
      return true
    },
    async release(key) {
      await ask(`RELEASE ${key}`)
    },
    close: () => connection?.socket.destroy(),
  }
}

function open(host: string, port: number): Connection {
  const socket = connect({ host, port, noDelay: true })
  const waiting: Question[] = []
  let pending = ''
  const fail = (message: string, status = 503): void => {
    socket.destroy()
    for (const question of waiting.splice(0)) question.reject(new HttpError(status, `inventory ${message}`))
  }
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) waiting.shift()?.resolve(line)
  })
  socket.on('error', (error) => fail(`cannot be reached: ${error.message}`))
  socket.on('close', () => fail('closed the connection'))
  socket.on('end', () => fail('closed the connection'))
  socket.setTimeout(idleTimeoutMs, () => fail('is idle'))
  return { socket, waiting }
}

function askOn({ socket, waiting }: Connection, line: string): Promise<string> {
  if (waiting.length >= waitingMax) return Promise.reject(new HttpError(503, 'inventory has too much to do'))
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new HttpError(504, 'inventory took too long'))
      // Answers have no names: after a missing one the rest could not be told apart.
      socket.destroy()
    }, answerTimeoutMs)
    waiting.push({
      resolve: (answer) => {
        clearTimeout(timer)
        resolve(answer)
      },
      reject: (error) => {
        clearTimeout(timer)
        reject(error)
      },
    })
    socket.write(`${line}\n`)
  })
}

function numberOf(answer: string): number {
  const [, digits] = /^OK (\d+)$/.exec(answer) ?? []
  if (digits === undefined) throw new HttpError(503, `inventory answered ${answer}`)
  return Number(digits)
}
