// Calls another service with the global `fetch`.
import { HttpError, describe } from './http-service.ts'

export interface UpstreamCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  readonly json?: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Until the whole answer is there. Default 10,000. */
  readonly timeoutMs?: number
}

export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Headers
  readonly json: unknown
}

const timeoutMsDefault = 10_000

/** Calls and reads a JSON answer of any status below 500. Rejects with an `HttpError`: 504 too slow, 503 not there, else the upstream's 5xx. */
export async function callByFetch(url: string, call: UpstreamCall): Promise<UpstreamAnswer> {
  const signal = AbortSignal.timeout(call.timeoutMs ?? timeoutMsDefault)
  const response = await openByFetch(url, call, signal)
  const text = await readText(url, response)
  if (response.status >= 500) throw new HttpError(response.status, `${url} answered ${response.status}: ${text.trim()}`)
  return { status: response.status, headers: response.headers, json: parseJson(url, text) }
}

/** Calls and gives the response with its body unread, for streaming; `signal` also ends the body. */
export async function openByFetch(url: string, call: UpstreamCall, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { ...call.headers }
  if (call.json !== undefined) headers['content-type'] = 'application/json'
  const body = call.json === undefined ? null : JSON.stringify(call.json)
  try {
    return await fetch(url, { method: call.method ?? 'GET', headers, body, signal, redirect: 'manual' })
  } catch (error) {
    throw unreachable(url, error)
  }
}

async function readText(url: string, response: Response): Promise<string> {
  try {
    return await response.text()
  } catch (error) {
    throw unreachable(url, error)
  }
}

function unreachable(url: string, error: unknown): HttpError {
  const slow = error instanceof Error && error.name === 'TimeoutError'
  return new HttpError(slow ? 504 : 503, `${url} ${slow ? 'took too long' : `cannot be reached: ${describe(error)}`}`)
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
