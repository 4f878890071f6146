import { dropKinds } from './head-edits.ts'
import { HeaderKind } from './header-kind.ts'
import type { MessageHead } from './message-head.ts'

/** What `connection` headers say. */
export interface ConnectionOptions {
  readonly close: boolean
  readonly keepAlive: boolean
  readonly upgrade: boolean
  /** Names what a client may not have removed. */
  readonly forbidden: boolean
}

const silent: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, forbidden: false }
const closes: ConnectionOptions = { ...silent, close: true }
const keeps: ConnectionOptions = { ...silent, keepAlive: true }

/** A bit for each kind. */
const hopByHop =
  (1 << HeaderKind.CONNECTION) |
  (1 << HeaderKind.KEEP_ALIVE) |
  (1 << HeaderKind.PROXY_CONNECTION) |
  (1 << HeaderKind.TRANSFER_ENCODING) |
  (1 << HeaderKind.UPGRADE) |
  (1 << HeaderKind.TE)

/**
 * Drops the hop-by-hop headers (RFC 9110 7.6.1) and says what they asked for. Of `te`, the wish for trailers stays: it is
 * said again on each hop.
 */
export function takeHopByHop(head: MessageHead): ConnectionOptions {
  if ((head.seen & hopByHop) === 0) return silent
  const options = head.has(HeaderKind.CONNECTION) ? readConnection(head) : silent
  const trailers = head.has(HeaderKind.TE) && wantsTrailers(head.value('te') ?? '')
  dropKinds(head, hopByHop)
  if (trailers) head.added.push('te', 'trailers')
  return options
}

function wantsTrailers(te: string): boolean {
  return te.split(',').some((coding) => coding.trim().toLowerCase() === 'trailers')
}

function readConnection(head: MessageHead): ConnectionOptions {
  let close = false
  let keepAlive = false
  let upgrade = false
  let forbidden = false
  for (let at = 0; at < head.count; at++) {
    if (head.kinds[at] !== HeaderKind.CONNECTION) continue
    if (head.isWord(at, 'keep-alive')) keepAlive = true
    else if (head.isWord(at, 'close')) close = true
    else {
      for (const part of head.valueAt(at).toLowerCase().split(',')) {
        const option = part.trim()
        if (option === 'close') close = true
        else if (option === 'keep-alive') keepAlive = true
        else if (option === 'upgrade') upgrade = true
        else if (isForbidden(option)) forbidden = true
        else dropNominated(head, option)
      }
    }
  }
  if (upgrade || forbidden) return { close, keepAlive, upgrade, forbidden }
  if (close) return closes
  return keepAlive ? keeps : silent
}

/** Pseudo headers, and what hops say of the client (as Envoy refuses them). */
function isForbidden(option: string): boolean {
  return option.startsWith(':') || option.startsWith('x-forwarded-')
}

/**
 * Drops a header that `connection` names. Headers the proxy itself knows stay: naming `x-forwarded-for` or `authorization`
 * here is a known way to strip them behind the back of whoever trusts them. A request's `content-length` goes, as by Envoy: its body is
 * framed anew.
 */
function dropNominated(head: MessageHead, name: string): void {
  for (let at = 0; at < head.count; at++) {
    const kind = head.kinds[at]
    const unknown = kind === HeaderKind.OTHER || kind === HeaderKind.CONTENT_TYPE
    const goes = unknown || kind === HeaderKind.HOST || (kind === HeaderKind.CONTENT_LENGTH && head.status === 0)
    if (goes && head.isNamed(at, name)) head.drop(at)
  }
}
