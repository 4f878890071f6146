// Heads as HTTP/1.1 text. A received HTTP/1.1 head is copied in ranges; one of another protocol is written line by line.
import { dropKind } from '../head-edits.ts'
import { HeaderKind } from '../header-kind.ts'
import type { OutgoingRequest } from '../http-stream.ts'
import type { LineSink, MessageHead } from '../message-head.ts'
import { H1Head } from './h1-head.ts'
import { reasonPhrase } from './reason-phrase.ts'

/** Writes status line and header lines of an answer; `framing` holds the codec's own lines, each with its CRLF. */
export function writeAnswer(output: LineSink, head: MessageHead, framing: string, minor = 1): void {
  // As the upstream wrote it, when it speaks our version.
  if (minor === 1 && head instanceof H1Head && head.minor === 1) head.writeAsReceived(output, false)
  else {
    const reason = head.reason()
    if (minor === 1 && reason === '') output.text(statusLine(head.status))
    else output.text(`HTTP/1.${minor} ${head.status} ${reason || reasonPhrase(head.status)}\r\n`)
    head.writeLines(output)
  }
  if (framing !== '') output.text(framing)
  output.text('\r\n')
}

const statusLines: string[] = []

/** Mostly it is one of a few. */
function statusLine(status: number): string {
  return (statusLines[status - 100] ??= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`)
}

/** False for methods of which nobody expects a body; of the others its absence is said (RFC 9110 8.6). */
function hasBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'DELETE' && method !== 'TRACE' && method !== 'CONNECT'
}

/** Writes request line and header lines; the authority stands in for a CONNECT's path. */
export function writeRequest(output: LineSink, request: OutgoingRequest): void {
  const { method, authority, path, head, extra, upgrade } = request
  if (request.asReceived && head instanceof H1Head && head.minor === 1 && head.saysHost(authority)) {
    head.writeAsReceived(output, true)
  } else {
    output.text(method)
    output.text(' ')
    output.text(path === '' ? authority : path)
    output.text(' HTTP/1.1\r\n')
    output.line('host', authority)
    head.writeLines(output)
  }
  if (isChunked(request)) output.text(chunkedLine)
  else if (request.body === 'none' && hasBody(method) && !head.has(HeaderKind.CONTENT_LENGTH)) {
    output.text('content-length: 0\r\n')
  }
  if (upgrade !== undefined) output.text(switchLines(head, upgrade))
  for (let at = 0; at < extra.length; at += 2) output.line(extra[at] as string, extra[at + 1] as string)
  output.text('\r\n')
}

/** The lines of a switch to another protocol, in the letters each version of HTTP has for them. */
export function switchLines(head: MessageHead, protocol: string | undefined): string {
  return `connection: ${head.protocol === 'HTTP/2' ? 'upgrade' : 'Upgrade'}\r\nupgrade: ${protocol}\r\n`
}

/** The end of a connection. */
export const closeLine = 'connection: close\r\n'

/** The framing of chunks. */
export const chunkedLine = 'transfer-encoding: chunked\r\n'

/** True when a request's body goes in chunks; what follows a switch has no framing. */
export function isChunked({ body, upgrade, method }: OutgoingRequest): boolean {
  return body === 'unknown' && upgrade === undefined && method !== 'CONNECT'
}

/**
 * What an answer without a body says of it: without a length, a client would read to the end of the connection (RFC 9112
 * 6.3). An answer to HEAD says how the one to GET would have been framed; 204 has no length at all (RFC 9110 8.6).
 */
export function bodilessLine(head: MessageHead, method: string, minor: number): string {
  const { status } = head
  if (status === 204) dropKind(head, HeaderKind.CONTENT_LENGTH)
  if (status < 200 || status === 204 || status === 304) return ''
  if (head.has(HeaderKind.CONTENT_LENGTH) && head.value('content-length') !== undefined) return ''
  if (method !== 'HEAD') return 'content-length: 0\r\n'
  return minor === 1 ? chunkedLine : ''
}

/** True for a 2xx to CONNECT: no framing, what follows are the tunnel's bytes (RFC 9110 9.3.6). */
export function opensTunnel(request: H1Head, status: number): boolean {
  return request.methodEnd === 7 && status >= 200 && status < 300 && request.text.startsWith('CONNECT ')
}
