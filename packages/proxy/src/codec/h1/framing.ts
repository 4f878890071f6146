import type { H1Head } from './h1-head.ts'
import { HeaderKind } from '../header-kind.ts'
import type { HeadFault } from '../message-head.ts'

/** Where a message's body ends. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Responses only: at the end of the connection. */
  | { readonly kind: 'until-close' }

const none: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'until-close' }
const framingHeaders = (1 << HeaderKind.CONTENT_LENGTH) | (1 << HeaderKind.TRANSFER_ENCODING)

const both: HeadFault = { status: 400, details: 'http1.content_length_and_transfer_encoding' }
const badLength: HeadFault = { status: 400, details: 'http1.invalid_content_length' }
const badCoding: HeadFault = { status: 501, details: 'http1.invalid_transfer_encoding' }
const bodyOf204: HeadFault = { status: 400, details: 'http1.body_of_204' }
const bodyOfConnect: HeadFault = { status: 400, details: 'http1.body_disallowed' }
const codingIn10: HeadFault = { status: 400, details: 'http1.transfer_encoding_in_http10' }

/**
 * Framing of a request (RFC 9112 6.3), strict: both lengths, repeated or odd lengths and codings other than one
 * `chunked` are faults, since another reader might take them differently (request smuggling).
 */
export function requestFraming(head: H1Head): Framing | HeadFault {
  if ((head.seen & framingHeaders) === 0) return none
  const declared = declaredFraming(head)
  if ('status' in declared || head.methodEnd !== 7 || !head.text.startsWith('CONNECT ')) return declared
  // RFC 9110 9.3.6: what follows a CONNECT is the tunnel's, whatever a length says.
  return declared.kind === 'length' && declared.bytes === 0 ? none : bodyOfConnect
}

/** Framing of a response to `method`; same strictness, and without a length the body ends with the connection. */
export function responseFraming(head: H1Head, method: string): Framing | HeadFault {
  const { status } = head
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') {
    // A length here describes what GET would have got; it frames nothing, but must be readable.
    const declared = declaredFraming(head)
    if (status === 304 || method === 'HEAD') return none
    if ('status' in declared) return declared
    // RFC 9110 8.6: 204 has no length; one that promises a body desynchronises whoever believes it.
    return declared.kind === 'length' && declared.bytes > 0 ? bodyOf204 : none
  }
  return (head.seen & framingHeaders) === 0 ? untilClose : declaredFraming(head)
}

function declaredFraming(head: H1Head): Framing | HeadFault {
  let coding = -1
  let length = -1
  for (let at = 0; at < head.count; at++) {
    const kind = head.kinds[at]
    if (kind === HeaderKind.CONTENT_LENGTH) {
      if (length >= 0) return badLength
      length = at
    } else if (kind === HeaderKind.TRANSFER_ENCODING) {
      if (coding >= 0) return badCoding
      coding = at
    }
  }
  if (coding >= 0) {
    if (length >= 0) return both
    if (head.minor === 0) return codingIn10
    return head.isWord(coding, 'chunked') ? chunked : badCoding
  }
  if (length < 0) return none
  const bytes = head.numberAt(length)
  return bytes < 0 ? badLength : { kind: 'length', bytes }
}
