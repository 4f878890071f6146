// Calls another service with `node:http` and its default agent (kept-alive connections; `HTTP_PROXY` if `NODE_USE_ENV_PROXY` is set).
import { request as httpRequest } from 'node:http'
import { HttpError, describe } from './http-service.ts'

export interface HttpCall {
  readonly method?: 'GET' | 'POST'
  readonly json?: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Until the whole answer is there. Default 8,000. */
  readonly timeoutMs?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly json: unknown
}

const timeoutMsDefault = 8_000

/** Calls and reads a JSON answer of any status below 500; rejects with an `HttpError` 503, 504 or the upstream's 5xx otherwise. */
export async function callByHttp(url: string, call: HttpCall): Promise<HttpAnswer> {
  const answer = await exchange(url, call, true)
  if (answer.status >= 500)
    throw new HttpError(answer.status, `${url} answered ${answer.status}: ${answer.text.trim()}`)
  return { status: answer.status, json: parseJson(answer.text) }
}

function exchange(url: string, call: HttpCall, mayRepeat: boolean): Promise<{ status: number; text: string }> {
  const body = call.json === undefined ? undefined : JSON.stringify(call.json)
  const headers: Record<string, string> = { ...call.headers }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(body))
  }
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(call.timeoutMs ?? timeoutMsDefault)
    let answered = false
    const fail = (error: NodeJS.ErrnoException): void => {
      // A kept connection may be closed by the other side just as it is used again: nothing was processed, so ask anew.
      if (mayRepeat && !answered && request.reusedSocket && error.code === 'ECONNRESET') {
        resolve(exchange(url, call, false))
      } else {
        reject(new HttpError(signal.aborted ? 504 : 503, `${url} cannot be reached: ${describe(error)}`))
      }
    }
    const request = httpRequest(url, { method: call.method ?? 'GET', headers, signal }, (response) => {
      answered = true
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    request.on('error', fail)
    request.end(body)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return { error: text.slice(0, 200).trim() }
  }
}
