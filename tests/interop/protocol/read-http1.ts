// Reads a stream of HTTP/1 messages that one side of a connection received, the forgiving way: what is compared is what
// a reader finds, not how the bytes were cut.

/** A message. */
export interface Message {
  /** The first line; of an answer version and status: the reason says nothing (RFC 9112 4). */
  readonly line: string
  /** `name: value`, names in lower case, sorted by name; the order under one name stays. */
  readonly headers: readonly string[]
  /** Without framing. */
  readonly body: string
  readonly trailers: readonly string[]
  readonly whole: boolean
}

/** What a stream held. */
export interface Reading {
  readonly messages: readonly Message[]
  /** What is behind them: the bytes of a tunnel, or what nobody can read. */
  readonly rest: string
}

type Kind = { readonly side: 'answers'; readonly methods: readonly string[] } | { readonly side: 'requests' }

/** Reads all of it. */
export function readHttp1(text: string, kind: Kind): Reading {
  const messages: Message[] = []
  let rest = text
  let answered = 0
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0 || !startsMessage(rest, kind.side)) break
    const [line = '', ...lines] = rest.slice(0, end).split('\r\n')
    const headers = lines.map(normalLine)
    rest = rest.slice(end + 4)
    const method = kind.side === 'answers' ? (kind.methods[answered] ?? 'GET') : (line.split(' ')[0] ?? '')
    const status = kind.side === 'answers' ? Number(line.slice(9, 12)) : 0
    const body = readBody(rest, framingOf(headers, { side: kind.side, method, status }))
    rest = rest.slice(body.taken)
    if (status >= 200 || status === 101) answered++
    const first = kind.side === 'answers' ? line.slice(0, 12) : line
    messages.push({
      line: first,
      headers: joined(headers),
      body: body.body,
      trailers: body.trailers,
      whole: body.whole,
    })
    if (status === 101 || (method === 'CONNECT' && (status === 0 || (status >= 200 && status < 300)))) break
  }
  return { messages, rest }
}

function startsMessage(text: string, side: Kind['side']): boolean {
  return side === 'answers' ? text.startsWith('HTTP/1.') : /^[!-~]+ [^\r\n]* HTTP\/1\.[01]\r\n/.test(text)
}

function normalLine(line: string): string {
  const colon = line.indexOf(':')
  return colon < 0 ? line : `${line.slice(0, colon).toLowerCase()}: ${line.slice(colon + 1).trim()}`
}

/** A pseudo header begins with the colon that ends other names. */
const nameOf = (line: string): string => line.slice(0, line.indexOf(':', 1))

/** Sorted by name; stable. */
export function sorted(lines: readonly string[]): string[] {
  return [...lines].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0))
}

/** Lines of one name are one list (RFC 9110 5.3), except cookies. */
function joined(lines: readonly string[]): string[] {
  const found: string[] = []
  for (const line of sorted(lines)) {
    const last = found.at(-1)
    const same = last !== undefined && nameOf(last) === nameOf(line) && !/^(set-)?cookie:/.test(line)
    if (same) found[found.length - 1] = `${last},${line.slice(line.indexOf(':') + 2)}`
    else found.push(line)
  }
  return found
}

type Framing = { readonly kind: 'none' | 'chunked' | 'close' } | { readonly kind: 'length'; readonly length: number }

function framingOf(
  headers: readonly string[],
  { side, method, status }: { readonly side: Kind['side']; readonly method: string; readonly status: number },
): Framing {
  if (side === 'answers') {
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
    if (method === 'CONNECT' && status < 300) return { kind: 'none' }
  }
  if (headers.some((line) => /^transfer-encoding:.*chunked/i.test(line))) return { kind: 'chunked' }
  const length = headers.find((line) => line.startsWith('content-length: '))?.slice(16)
  if (length !== undefined) return { kind: 'length', length: Number(length) }
  return { kind: side === 'answers' ? 'close' : 'none' }
}

interface Body {
  readonly body: string
  readonly trailers: readonly string[]
  readonly whole: boolean
  readonly taken: number
}

function readBody(text: string, framing: Framing): Body {
  switch (framing.kind) {
    case 'none':
      return { body: '', trailers: [], whole: true, taken: 0 }
    case 'close':
      return { body: text, trailers: [], whole: true, taken: text.length }
    case 'length': {
      const body = text.slice(0, framing.length)
      return { body, trailers: [], whole: body.length === framing.length, taken: body.length }
    }
    case 'chunked':
      return readChunks(text)
  }
}

function readChunks(text: string): Body {
  let body = ''
  let at = 0
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(text.slice(at, lineEnd), 16)
    if (Number.isNaN(size)) return { body, trailers: [], whole: false, taken: text.length }
    at = lineEnd + 2
    if (size === 0) break
    body += text.slice(at, at + size)
    at += size + 2
    if (at > text.length) return { body, trailers: [], whole: false, taken: text.length }
  }
  if (text.startsWith('\r\n', at)) return { body, trailers: [], whole: true, taken: at + 2 }
  const end = text.indexOf('\r\n\r\n', at)
  if (end < 0) return { body, trailers: [], whole: false, taken: text.length }
  return { body, trailers: sorted(text.slice(at, end).split('\r\n').map(normalLine)), whole: true, taken: end + 4 }
}
