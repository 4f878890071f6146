// The style sheet and the icon: read once, sent with an ETag.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Route } from '../../platform/http-service.ts'

/** Routes for the files in `assets/`. */
export function assetRoutes(): readonly Route[] {
  return [asset('style.css', 'text/css; charset=utf-8'), asset('icon.svg', 'image/svg+xml')]
}

function asset(name: string, type: string): Route {
  const text = readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8')
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`
  const headers = { etag, 'cache-control': 'public, max-age=60' }
  return {
    method: 'GET',
    path: `/assets/${name}`,
    handle: ({ request }) =>
      request.headers['if-none-match'] === etag
        ? { status: 304, headers }
        : { status: 200, headers: { ...headers, 'content-type': type }, text },
  }
}
