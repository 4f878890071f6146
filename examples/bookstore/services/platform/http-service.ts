// The small frame every HTTP service of the shop stands in: routes, health, JSON, errors, graceful end.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { flushCompileCache } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { log } from './log.ts'
import { propagatedHeaders } from './propagated-headers.ts'
import { type PathParams, routeMatcher, type RouteMatcher } from './route-path.ts'
import { acceptWebSocket, asksForWebSocket, type LiveSocket } from './web-socket.ts'

/** What a handler is given. */
export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly params: PathParams
  /** Headers to send along with every call this request causes (request id, trace, reader's name). */
  readonly passOn: Readonly<Record<string, string>>
  /** Reads the whole body; rejects with an `HttpError` 413 above 1 MiB. */
  body(): Promise<string>
}

/** What a handler answers: text as it is, anything else as JSON. A handler that wrote the response itself answers `undefined`. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly text?: string
  readonly json?: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `/books/:isbn`: a part beginning with a colon matches any one path segment. */
  readonly path: string
  readonly handle: (call: Call) => Promise<Reply | undefined> | Reply | undefined
}

/** A path that is answered by a WebSocket. */
export interface LiveRoute {
  readonly path: string
  /** Throws before it calls `accept` if the answer is no; afterwards a throw ends the connection. */
  readonly handle: (call: LiveCall, accept: () => LiveSocket) => Promise<void>
}

export type LiveCall = Omit<Call, 'response' | 'body'>

export interface HttpServiceOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly routes: readonly Route[]
  readonly live?: readonly LiveRoute[]
  /** Turns a failure of a handler into an answer; the default is a JSON `{ error }`. */
  readonly onError?: (error: unknown, call: Call) => Reply
  /** Runs once after the last request was answered. */
  readonly onClose?: () => void
}

/** The options with every pattern read. */
interface Service extends Omit<HttpServiceOptions, 'routes' | 'live'> {
  readonly routes: readonly (Route & { readonly match: RouteMatcher })[]
  readonly live: readonly (LiveRoute & { readonly match: RouteMatcher })[]
}

/** A failure with the status the caller shall see. */
export class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const bodyBytesMax = 1024 * 1024
// Longer than the idle time of any proxy's connection pool in front, so that the proxy and not the service closes first.
const keepAliveTimeoutMs = 75_000
const closeTimeoutMs = 8_000
const liveMax = 1_000

/** Binds, serves, and ends on SIGTERM or SIGINT once running requests are answered. Resolves when the service listens. */
export async function startHttpService(options: HttpServiceOptions): Promise<Server> {
  const service: Service = { ...options, routes: readPatterns(options.routes), live: readPatterns(options.live ?? []) }
  let draining = false
  const open = new Set<LiveSocket>()
  // Other upgrades (`h2c`) are offers that a server may pass over.
  const shouldUpgradeCallback = ({ headers }: IncomingMessage): boolean =>
    headers.upgrade?.toLowerCase() === 'websocket'
  const server = createServer({ shouldUpgradeCallback }, (request, response) => {
    if (draining) response.setHeader('connection', 'close')
    void answer(service, request, response)
  })
  server.on('upgrade', (request, socket, head) => void goLive(service, { request, socket, head }, open))
  server.keepAliveTimeout = keepAliveTimeoutMs
  server.on('clientError', (_error, socket) => socket.destroy())
  const end = (): void => {
    if (draining) return
    draining = true
    for (const live of open) live.close(1001)
    endGracefully(server, options)
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { address, port } = server.address() as AddressInfo
  log(options.name, `listening on http://${address}:${port}`)
  // Where NODE_COMPILE_CACHE names a folder, replicas that are started while this one runs find in it what was compiled here.
  flushCompileCache()
  return server
}

function readPatterns<T extends { readonly path: string }>(routes: readonly T[]): (T & { match: RouteMatcher })[] {
  return routes.map((route) => ({ ...route, match: routeMatcher(route.path) }))
}

async function goLive(
  options: Service,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  open: Set<LiveSocket>,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  let live: LiveSocket | undefined
  const accept = (): LiveSocket => {
    const accepted = acceptWebSocket(request, socket, head)
    live = accepted
    open.add(accepted)
    accepted.ended.addEventListener('abort', () => open.delete(accepted))
    return accepted
  }
  try {
    if (open.size >= liveMax) throw new HttpError(503, 'too many are listening')
    const url = URL.parse(request.url ?? '/', 'http://service')
    if (url === null || !asksForWebSocket(request)) throw new HttpError(400, 'bad request')
    const segments = url.pathname.split('/')
    for (const { match, handle } of options.live) {
      const params = match(segments)
      if (params !== undefined)
        return await handle({ request, url, params, passOn: propagatedHeaders(request) }, accept)
    }
    throw new HttpError(404, 'there is nothing live here')
  } catch (error) {
    const status = error instanceof HttpError ? error.status : 500
    if (status >= 500) log(options.name, `${request.url} (live): ${describe(error)}`)
    if (live === undefined) socket.end(`HTTP/1.1 ${status} Sorry\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
    else live.close(1011)
  }
}

function endGracefully(server: Server, options: HttpServiceOptions): void {
  log(options.name, 'ending')
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const force = setTimeout(() => server.closeAllConnections(), closeTimeoutMs)
  server.close(() => {
    clearInterval(idle)
    clearTimeout(force)
    options.onClose?.()
    process.exit(0)
  })
}

async function answer(options: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = makeCall(request, response)
  if (call === undefined) return send(call, response, { status: 400, json: { error: 'bad request target' } })
  try {
    const reply = await dispatch(options.routes, call)
    if (reply !== undefined) send(call, response, reply)
  } catch (error) {
    const status = error instanceof HttpError ? error.status : 500
    if (status >= 500) log(options.name, `${request.method} ${request.url}: ${describe(error)}`)
    if (response.headersSent) response.destroy()
    else send(call, response, (options.onError ?? jsonError)(error, call))
  }
}

function makeCall(request: IncomingMessage, response: ServerResponse): (Call & { params: PathParams }) | undefined {
  const url = URL.parse(request.url ?? '/', 'http://service')
  if (url === null) return undefined
  return { request, response, url, params: {}, passOn: propagatedHeaders(request), body: () => readBody(request) }
}

async function dispatch(routes: Service['routes'], call: Call): Promise<Reply | undefined> {
  const path = call.url.pathname
  if (path === '/healthz') return { status: 200, text: 'ok\n' }
  const method = call.request.method === 'HEAD' ? 'GET' : call.request.method
  const segments = path.split('/')
  let pathKnown = false
  for (const route of routes) {
    const params = route.match(segments)
    if (params === undefined) continue
    pathKnown = true
    if (route.method === method) return route.handle({ ...call, params })
  }
  throw pathKnown ? new HttpError(405, 'this cannot be done here') : new HttpError(404, 'there is no such page')
}

function send(call: Call | undefined, response: ServerResponse, reply: Reply): void {
  const text = reply.text ?? `${JSON.stringify(reply.json ?? null)}\n`
  const type = reply.text === undefined ? 'application/json' : 'text/plain; charset=utf-8'
  const bodyless = reply.status === 204 || reply.status === 304
  const length = bodyless ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }
  response.writeHead(reply.status, { ...length, ...reply.headers })
  response.end(bodyless || call?.request.method === 'HEAD' ? undefined : text)
}

function jsonError(error: unknown): Reply {
  if (error instanceof HttpError) return { status: error.status, json: { error: error.message } }
  return { status: 500, json: { error: 'internal error' } }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const part = chunk as Buffer
    bytes += part.length
    if (bytes > bodyBytesMax) throw new HttpError(413, 'the request is too large')
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** An error and what caused it, on one line. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`
}
