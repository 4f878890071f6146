// The admin API over HTTP, on loopback: read-only JSON, readiness, metrics.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { err, ok, type Result } from '@weft/core'

/** An answer. Objects are sent as JSON. */
export interface ApiAnswer {
  readonly status: number
  readonly body: unknown
  readonly contentType?: string
}

/** A route: exact path, or a path with one `:id` segment. */
export interface ApiRoute {
  readonly path: string
  readonly answer: (id: string, query: URLSearchParams) => ApiAnswer | Promise<ApiAnswer>
}

/** A bound server. */
export interface AdminServer {
  readonly host: string
  readonly port: number
  close(): void
}

/** Serves `routes` on `host:port` (0: any free port). The error says why the address cannot be had. */
export function startAdminServer(
  host: string,
  port: number,
  routes: readonly ApiRoute[],
): Promise<Result<AdminServer>> {
  const server: Server = createServer({ requestTimeout: 10_000, maxHeaderSize: 16_384 }, (request, response) => {
    void respond(routes, request, response)
  })
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(err(`cannot serve the admin API on ${host}:${port}: ${error.message}`)))
    server.listen(port, host, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      resolve(
        ok({
          host,
          port: bound,
          close() {
            server.close()
            server.closeAllConnections()
          },
        }),
      )
    })
  })
}

async function respond(routes: readonly ApiRoute[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(routes, request).catch((error: Error): ApiAnswer => {
    return { status: 500, body: { error: error.message } }
  })
  const contentType = answer.contentType ?? 'application/json'
  const text = typeof answer.body === 'string' ? answer.body : `${JSON.stringify(answer.body)}\n`
  response.writeHead(answer.status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(text)
}

async function answerTo(routes: readonly ApiRoute[], request: IncomingMessage): Promise<ApiAnswer> {
  if (request.method !== 'GET') return { status: 405, body: { error: 'the admin API answers GET only' } }
  // A page in a browser must not read this through a name that resolves to loopback.
  if (!isLocalHost(request.headers.host)) return { status: 403, body: { error: 'the Host header must name loopback' } }
  const url = URL.parse(request.url ?? '/', 'http://localhost')
  if (url === null || !isDecodable(url.pathname)) {
    const mend = 'after each % come two hex digits of UTF-8, %25 is % itself'
    return { status: 400, body: { error: `${request.url} is no path: ${mend}` } }
  }
  for (const route of routes) {
    const id = idIn(route.path, url.pathname)
    if (id !== undefined) return await route.answer(id, url.searchParams)
  }
  return {
    status: 404,
    body: { error: `nothing at ${url.pathname}; there are ${routes.map((r) => r.path).join(', ')}` },
  }
}

function isLocalHost(host: string | undefined): boolean {
  return host !== undefined && /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/.test(host)
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** The `:id` of a path, '' for a path without one; undefined when it does not match. */
function idIn(pattern: string, path: string): string | undefined {
  if (!pattern.includes(':id')) return pattern === path ? '' : undefined
  const [before = '', after = ''] = pattern.split(':id')
  if (!path.startsWith(before) || !path.endsWith(after) || path.length <= before.length + after.length) return undefined
  const id = path.slice(before.length, path.length - after.length)
  return id.includes('/') ? undefined : decodeURIComponent(id)
}
