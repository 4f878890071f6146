// Who asks: cookies in, cookies out.
import { randomUUID } from 'node:crypto'
import type { Call } from '../platform/http-service.ts'
import type { Sessions } from './session.ts'

export interface Visitor {
  /** Undefined for someone who has not logged in. */
  readonly name: string | undefined
  readonly basketId: string
  /** How many books are in the basket, as web told the browser last. */
  readonly basketCount: number
  /** Headers for calls made on the visitor's behalf; `x-user` only ever comes from the session, never from outside. */
  readonly passOn: Readonly<Record<string, string>>
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Reads a request's visitor; one without a basket gets a new one. */
export function visitorOf(call: Pick<Call, 'request' | 'passOn'>, sessions: Sessions): Visitor {
  const cookies = parseCookies(call.request.headers.cookie ?? '')
  const name = sessions.read(cookies.get('session'))
  const basketId = cookies.get('basket') ?? ''
  const { 'x-user': _outside, ...trace } = call.passOn
  return {
    name,
    basketId: uuid.test(basketId) ? basketId : randomUUID(),
    basketCount: Math.min(Number(cookies.get('basket_count') ?? 0) || 0, 999),
    passOn: name === undefined ? trace : { ...trace, 'x-user': name },
  }
}

/** A `Set-Cookie` line; an empty value forgets the cookie. */
export function cookie(name: string, value: string): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${value === '' ? 0 : 7 * 24 * 3600}`
}

function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return cookies
}
