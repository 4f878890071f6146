import type { Buffer } from 'node:buffer'

/** What the first plaintext bytes look like: HTTP/1.x, the HTTP/2 preface, or something else. */
export type HttpVerdict = 'incomplete' | 'http/1.0' | 'http/1.1' | 'h2c' | 'not-http'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const longestMethod = 24
/** Bytes looked at before giving up on finding the end of a request line. */
const maxRequestLineBytes = 8 * 1024

/**
 * Recognises HTTP as Envoy's http_inspector does: a method token, a space, and once the line is complete, a version.
 * A request line is judged early only against HTTP, never for it, so a line protocol is not taken for HTTP.
 */
export function inspectHttp(bytes: Buffer): HttpVerdict {
  const start = bytes.toString('latin1', 0, preface.length)
  if (preface.startsWith(start)) return start.length === preface.length ? 'h2c' : 'incomplete'
  let at = 0
  while (at < bytes.length && isTokenByte(bytes[at] as number)) at++
  if (at > longestMethod) return 'not-http'
  if (at === bytes.length) return 'incomplete'
  if (at === 0 || bytes[at] !== 0x20) return 'not-http'
  const lineEnd = bytes.indexOf(0x0a)
  if (lineEnd < 0) {
    if (bytes.length > maxRequestLineBytes) return 'not-http'
    for (let i = at; i < bytes.length; i++) if ((bytes[i] as number) < 0x20 && bytes[i] !== 0x0d) return 'not-http'
    return 'incomplete'
  }
  const line = bytes.toString('latin1', 0, lineEnd).trimEnd()
  const version = /^\S+ \S+ HTTP\/1\.([01])$/.exec(line)?.[1]
  return version === undefined ? 'not-http' : version === '1' ? 'http/1.1' : 'http/1.0'
}

/** RFC 9110 section 5.6.2. */
function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte))
  )
}
