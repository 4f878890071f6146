// What a check works with: the shop's address, a browser-like `request` with a cookie jar, and values handed from check to check.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { MeshAccess } from './mesh-access.ts'

/** One line of the table. */
export interface Check {
  readonly name: string
  /** What must be seen, in words. */
  readonly expected: string
  /** `shop`: holds for the bare services too; `mesh`: holds only behind the mesh. */
  readonly needs: 'shop' | 'mesh'
  /** Does the request(s). May reject: the caller then shows the error as what was seen, and the check as failed. */
  run(context: CheckContext): Promise<CheckOutcome>
}

export interface CheckOutcome {
  readonly seen: string
  readonly ok: boolean
}

export interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as an HTML form. */
  readonly form?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Use and keep cookies under this name of a visitor; without it no cookie is sent. */
  readonly visitor?: string
  /** Default 15,000. */
  readonly timeoutMs?: number
}

export interface CheckResponse {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly text: string
  readonly elapsedMs: number
}

export interface CheckContext {
  /** Without a slash at the end, e.g. `http://127.0.0.1:8080`. */
  readonly shopUrl: string
  /** Handed in by `weft up --check`; without it the checks that need it fail. */
  readonly mesh: MeshAccess | undefined
  /** What earlier checks found out, e.g. the number of the order placed. */
  readonly notes: Map<string, string>
  /** One HTTP request to the shop; redirects are returned, not followed. Rejects on a broken connection or time-out. */
  request(path: string, options?: RequestOptions): Promise<CheckResponse>
  /** The `Cookie` header that requests of a visitor carry. */
  cookies(visitor: string): string
  /** Closes the connections kept alive. */
  close(): void
}

/** Opens a context for one run of the table. */
export function openCheckContext(shopUrl: string, mesh?: MeshAccess): CheckContext {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const jars = new Map<string, Map<string, string>>()
  const base = shopUrl.replace(/\/$/, '')
  return {
    shopUrl: base,
    mesh,
    notes: new Map(),
    cookies: (visitor) => cookieHeader(jars, visitor),
    close: () => agent.destroy(),
    async request(path, options = {}) {
      const startedAt = performance.now()
      const response = await exchange(new URL(path, `${base}/`), agent, options, cookieHeader(jars, options.visitor))
      if (options.visitor !== undefined) keepCookies(jars, options.visitor, response.headers['set-cookie'] ?? [])
      return { ...response, elapsedMs: performance.now() - startedAt }
    },
  }
}

type Answer = Omit<CheckResponse, 'elapsedMs'>

function exchange(url: URL, agent: Agent, options: RequestOptions, cookie: string): Promise<Answer> {
  const body = bodyOf(options)
  const headers: Record<string, string> = { ...options.headers }
  if (cookie !== '') headers['cookie'] = cookie
  if (body !== undefined) {
    headers['content-type'] = body.type
    headers['content-length'] = String(Buffer.byteLength(body.text))
  }
  const method = options.method ?? (body === undefined ? 'GET' : 'POST')
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(options.timeoutMs ?? 15_000)
    const request = httpRequest(url, { agent, method, headers, signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: bytes,
          text: bytes.toString('utf8'),
        })
      })
    })
    request.on('error', reject)
    request.end(body?.text)
  })
}

function bodyOf(options: RequestOptions): { type: string; text: string } | undefined {
  if (options.form !== undefined) {
    return { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(options.form).toString() }
  }
  return options.json === undefined ? undefined : { type: 'application/json', text: JSON.stringify(options.json) }
}

function cookieHeader(jars: Map<string, Map<string, string>>, visitor: string | undefined): string {
  const jar = visitor === undefined ? undefined : jars.get(visitor)
  return jar === undefined ? '' : [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function keepCookies(jars: Map<string, Map<string, string>>, visitor: string, lines: readonly string[]): void {
  const jar = jars.get(visitor) ?? new Map<string, string>()
  jars.set(visitor, jar)
  for (const line of lines) {
    const [pair = ''] = line.split(';')
    const at = pair.indexOf('=')
    jar.set(pair.slice(0, at), pair.slice(at + 1))
  }
}
