// Calls another service with `node:http` over kept-alive connections, by way of `HTTP_PROXY` if that is set.
import { Agent, request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { proxyFor, readProxy } from './http-proxy.ts'
import { HttpError, describe } from './http-service.ts'

export interface HttpCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  readonly json?: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Until the whole answer is there. Default 8,000. */
  readonly timeoutMs?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly json: unknown
}

interface TextAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const timeoutMsDefault = 8_000
// Node's own way through a proxy (`NODE_USE_ENV_PROXY`) parses three URLs for each request, one of which always throws: as much work as the
// rest of the call. So the request is written for the proxy here, and this agent knows of none.
const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5_000 })
const proxy = readProxy(process.env)

/** Calls and reads a JSON answer of any status below 500; rejects with an `HttpError` 503, 504 or the upstream's 5xx otherwise. */
export async function callByHttp(url: string, call: HttpCall): Promise<HttpAnswer> {
  const answer = await exchange(url, call, true)
  if (answer.status >= 500)
    throw new HttpError(answer.status, `${url} answered ${answer.status}: ${answer.text.trim()}`)
  return { status: answer.status, headers: answer.headers, json: parseJson(url, answer.text) }
}

function exchange(url: string, call: HttpCall, mayRepeat: boolean): Promise<TextAnswer> {
  const body = call.json === undefined ? undefined : JSON.stringify(call.json)
  const target = targetOf(url)
  const headers: Record<string, string> = { host: target.authority, ...call.headers }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(body))
  }
  return new Promise((resolve, reject) => {
    let answered = false
    let slow = false
    const timer = setTimeout(() => {
      slow = true
      request.destroy(new Error('it took too long'))
    }, call.timeoutMs ?? timeoutMsDefault)
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer)
      // A kept connection may be closed by the other side just as it is used again: nothing was processed, so ask anew.
      if (mayRepeat && !answered && request.reusedSocket && error.code === 'ECONNRESET') {
        resolve(exchange(url, call, false))
      } else {
        const why = slow ? 'took too long' : `cannot be reached: ${describe(error)}`
        reject(new HttpError(slow ? 504 : 503, `${url} ${why}`))
      }
    }
    const request = httpRequest({ ...target.options, method: call.method ?? 'GET', headers }, (response) => {
      answered = true
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        clearTimeout(timer)
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    request.on('error', fail)
    request.end(body)
  })
}

// Whom to connect to, and what to ask there: a proxy is asked for the whole URL.
function targetOf(url: string): { readonly authority: string; readonly options: RequestOptions } {
  const [, authority, path] = /^http:\/\/([^/?#]+)([^#]*)/.exec(url) ?? []
  if (authority === undefined || path === undefined) throw new HttpError(503, `${url} is not an http:// URL`)
  const via = proxyFor(proxy, authority)
  if (via !== undefined) return { authority, options: { agent, host: via.host, port: via.port, path: url } }
  const { hostname, port } = new URL(`http://${authority}`)
  return { authority, options: { agent, host: hostname, port: port || 80, path: path || '/' } }
}

function parseJson(url: string, text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text) as unknown
  } catch {
    // A proxy in between may answer 403 or 404 in plain text: that is the answer, not a broken one.
    return { error: `${url}: ${text.slice(0, 200).trim()}` }
  }
}
