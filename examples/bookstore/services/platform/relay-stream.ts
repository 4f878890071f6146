// Hands a large answer of another service on to the caller as it comes, never holding more than a few chunks of it.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { openByFetch } from './call-by-fetch.ts'
import { HttpError, type Call } from './http-service.ts'

const handedOver = ['content-type', 'content-length', 'x-content-sha256', 'x-catalog-version'] as const
const headTimeoutMs = 10_000

/** Answers `call` with what `url` answers; throws an `HttpError` if that is not a 200. A caller who goes away ends the upstream's stream too. */
export async function relayStream(
  url: string,
  call: Call,
  extra: Readonly<Record<string, string>> = {},
): Promise<void> {
  const controller = new AbortController()
  const tooSlow = setTimeout(() => controller.abort(new DOMException('no answer', 'TimeoutError')), headTimeoutMs)
  call.response.once('close', () => controller.abort())
  const upstream = await openByFetch(url, call.passOn, controller.signal)
  clearTimeout(tooSlow)
  if (upstream.status !== 200 || upstream.body === null) {
    controller.abort()
    throw new HttpError(upstream.status === 200 ? 502 : upstream.status, `${url} answered ${upstream.status}`)
  }
  const headers: Record<string, string> = { ...extra }
  for (const name of handedOver) {
    const value = upstream.headers.get(name)
    if (value !== null) headers[name] = value
  }
  call.response.writeHead(200, headers)
  // The status is sent: a break from here on can only be shown by breaking off as well.
  await pipeline(Readable.fromWeb(upstream.body as ReadableStream), call.response).catch(() => call.response.destroy())
}
