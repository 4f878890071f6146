import { Buffer } from 'node:buffer'

let seed = 12_345
function pick(count: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return (seed >>> 8) % count
}

/** The corpus of `corpus.lua`: differing paths, agents, cookies; every second asks for the first route. */
function question(): Buffer {
  const path = `/${['books', 'authors', 'orders', 'search', 'covers'][pick(5)]}/${pick(100_000)}${pick(2) === 0 ? '' : `?page=${pick(20)}`}`
  const agent = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0', 'okhttp/4.12.0'][pick(3)]
  const lines = [
    'Host: echo.bench',
    `User-Agent: ${agent}`,
    'Accept: */*',
    `Accept-Language: ${['en', 'zh-CN'][pick(2)]}`,
  ]
  if (pick(2) === 0) lines.push('X-Bench: 1')
  if (pick(2) === 0) lines.push(`Cookie: session=${'x'.repeat(8 + pick(56))}`)
  if (pick(4) === 0) lines.push(`X-Trace-${pick(30)}: ${pick(1_000_000)}`)
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** A thousand different requests, the same in each run. */
export const questions: readonly Buffer[] = Array.from({ length: 1_000 }, question)

/** What a server of 1 kB says to each. */
export const answer: Buffer = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 11:20:14 GMT\r\nContent-Type: application/octet-stream\r\n' +
    `Content-Length: 1024\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(1024)}`,
  'latin1',
)
