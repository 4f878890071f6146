// From a page to an answer.
import { HttpError, type Call, type Reply } from '../../platform/http-service.ts'
import { page, type PageOptions } from '../pages/layout.ts'
import { cookie, type Visitor } from '../visitor.ts'

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cache-control': 'private, no-cache',
}

export interface PageReplyOptions extends PageOptions {
  readonly status?: number
}

/** A page as an answer; the catalog's version, where known, is shown in a header as well. */
export function pageReply(options: PageReplyOptions): Reply {
  const version = options.catalogVersion
  return {
    status: options.status ?? 200,
    headers: {
      ...securityHeaders,
      'content-type': 'text/html; charset=utf-8',
      ...(version === undefined ? {} : { 'x-catalog-version': version }),
    },
    text: page(options),
  }
}

/** 303 to a path of the shop, with cookies to set. */
export function seeOther(path: string, cookies: readonly string[] = []): Reply {
  return {
    status: 303,
    headers: { location: path, ...(cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }) },
    text: '',
  }
}

/** The fields of an HTML form. */
export async function formFields(call: Call): Promise<URLSearchParams> {
  const type = call.request.headers['content-type'] ?? ''
  if (!type.startsWith('application/x-www-form-urlencoded')) throw new HttpError(415, 'a form is needed')
  return new URLSearchParams(await call.body())
}

/** The cookies that keep a basket and how much is in it. */
export function basketCookies(visitor: Visitor, lines: readonly { quantity: number }[]): string[] {
  const count = lines.reduce((sum, line) => sum + line.quantity, 0)
  return [cookie('basket', visitor.basketId), cookie('basket_count', count === 0 ? '' : String(count))]
}

/** A path of the shop to go on to, never another site. */
export function safePath(path: string | null): string {
  return path !== null && /^\/(?![/\\])[^\r\n]*$/.test(path) ? path : '/'
}
