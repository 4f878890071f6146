// Trailers of a chunked body (RFC 9110 6.5): received as text, sent as text.
import { FieldsHead } from '../fields-head.ts'
import { HeaderKind, kindOfName } from '../header-kind.ts'
import type { MessageHead } from '../message-head.ts'

/** Fields that frame or route a message, or say how it is to be handled: a trailer cannot change that afterwards. */
const forbidden = new Set<number>([
  HeaderKind.HOST,
  HeaderKind.CONTENT_LENGTH,
  HeaderKind.TRANSFER_ENCODING,
  HeaderKind.CONNECTION,
  HeaderKind.KEEP_ALIVE,
  HeaderKind.PROXY_CONNECTION,
  HeaderKind.UPGRADE,
  HeaderKind.TE,
  HeaderKind.TRAILER,
  HeaderKind.EXPECT,
  HeaderKind.AUTHORIZATION,
  HeaderKind.COOKIE,
])

/** Whole well-formed lines as a head; undefined when none may pass. */
export function readTrailers(text: string): MessageHead | undefined {
  let head: FieldsHead | undefined
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const name = line.slice(0, colon).toLowerCase()
    const kind = kindOfName(name)
    if (forbidden.has(kind)) continue
    head ??= new FieldsHead('HTTP/1.1')
    head.push(name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''), kind)
  }
  return head
}
