// Opens a stream from another service with the global `fetch`, which goes through `HTTP_PROXY` by CONNECT.
import { HttpError, describe } from './http-service.ts'

/** The response with its body unread; `signal` also ends the body. Rejects with an `HttpError`: 504 too slow, 503 not there. */
export async function openByFetch(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, { headers: { ...headers }, signal, redirect: 'manual' })
  } catch (error) {
    const slow = error instanceof Error && error.name === 'TimeoutError'
    throw new HttpError(slow ? 504 : 503, `${url} ${slow ? 'took too long' : `cannot be reached: ${describe(error)}`}`)
  }
}
