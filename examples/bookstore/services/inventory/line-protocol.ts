// The protocol of inventory: the client says a line, the server answers a line, in order, any number of times.
//   STOCK <isbn>                    OK <copies left>
//   RESERVE <isbn> <n> [<key>]      OK <copies left> | SHORT <copies left>
//   RELEASE <key>                   OK
//   PING                            PONG
// Anything else is answered `ERR <reason>`.
import { randomUUID } from 'node:crypto'
import type { Stock } from './stock.ts'

export const lineBytesMax = 256

/** The answer to one line, both without the line's end. */
export function answerLine(stock: Stock, line: string): string {
  const [verb = '', ...words] = line.trim().split(/ +/)
  if (verb === 'PING') return 'PONG'
  if (verb === 'RELEASE' && words.length === 1) {
    stock.release(words[0] ?? '')
    return 'OK'
  }
  const isbn = words[0] ?? ''
  if (!/^\d{13}$/.test(isbn)) return 'ERR unknown command or ISBN'
  if (verb === 'STOCK' && words.length === 1) return `OK ${stock.left(isbn)}`
  const copies = Number(words[1])
  if (verb !== 'RESERVE' || !Number.isInteger(copies) || copies < 1 || copies > 1000) return 'ERR unknown command'
  const answer = stock.reserve(isbn, copies, words[2] ?? randomUUID())
  return `${answer.kind === 'ok' ? 'OK' : 'SHORT'} ${answer.left}`
}
