import { Buffer } from 'node:buffer'
import type { NetListener, Result, Runtime, Transport } from '@weft/core'

/** Bytes of a request head taken; administrative requests are short. */
const maxHeadBytes = 8 * 1024
/** A connection that has not sent its request, or not taken its answer, by then is closed. */
const timeoutMs = 10_000

/** One request; a body is not read. */
export interface SmallRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
  readonly headers: ReadonlyMap<string, string>
  readonly remoteAddress: string
}

/** One answer. */
export interface SmallResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Answers requests; a throw is answered 500. */
export type SmallHandler = (request: SmallRequest) => SmallResponse | Promise<SmallResponse>

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/**
 * Serves one request per connection: enough HTTP/1.1 for curl, a browser and Prometheus, and apart from the data path,
 * so that it answers whatever state that is in.
 */
export function listenSmall(
  runtime: Pick<Runtime, 'net' | 'timers' | 'log'>,
  at: { readonly host: string; readonly port: number },
  handler: SmallHandler,
): Promise<Result<NetListener>> {
  return runtime.net.listen(at, (transport) => serve(runtime, transport, handler))
}

function serve(runtime: Pick<Runtime, 'timers' | 'log'>, transport: Transport, handler: SmallHandler): void {
  let head = ''
  let answered = false
  const timer = runtime.timers.set(timeoutMs, () => transport.destroy(), { keepAlive: false })
  const answer = (response: SmallResponse, method: string): void => {
    const body = Buffer.from(response.body)
    transport.writeLatin1(
      `HTTP/1.1 ${response.status} ${reasons[response.status] ?? ''}\r\ncontent-type: ${response.contentType}\r\n` +
        `content-length: ${body.length}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n` +
        'connection: close\r\n\r\n',
    )
    if (method !== 'HEAD') transport.write(body)
    transport.end()
  }
  transport.handler = {
    onData: (chunk) => {
      if (answered) return
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0 && head.length <= maxHeadBytes) return
      answered = true
      const request = end < 0 ? undefined : parseHead(head.slice(0, end), transport.remoteAddress)
      if (request === undefined) return answer(text(end < 0 ? 431 : 400, 'not a request\n'), 'GET')
      void respond(runtime, handler, request).then((response) => answer(response, request.method))
    },
    onEnd: () => {
      if (!answered) transport.destroy()
    },
    onDrain: () => {},
    onClose: () => timer.cancel(),
  }
  transport.resume()
}

async function respond(
  runtime: Pick<Runtime, 'log'>,
  handler: SmallHandler,
  request: SmallRequest,
): Promise<SmallResponse> {
  try {
    return await handler(request)
  } catch (error) {
    runtime.log.error('administrative request failed', { path: request.path, error: String(error) })
    return text(500, 'internal error\n')
  }
}

function parseHead(head: string, remoteAddress: string): SmallRequest | undefined {
  const [requestLine = '', ...lines] = head.split('\r\n')
  const match = /^([A-Z]+) (\/[^ ]*) HTTP\/1\.[01]$/.exec(requestLine)
  if (match === null) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) return undefined
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const target = match[2] as string
  const mark = target.indexOf('?')
  return {
    method: match[1] as string,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    remoteAddress,
  }
}

/** A plain text answer. */
export function text(status: number, body: string): SmallResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

/** A JSON answer. */
export function json(status: number, value: unknown): SmallResponse {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value, toPlain, 2)}\n` }
}

/** Maps become objects, sets and byte arrays lists and base64, closures nothing. */
function toPlain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return typeof value === 'function' ? undefined : value
}
