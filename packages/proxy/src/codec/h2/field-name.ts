// Names of fields with what is known of them, so that a field that is a number on the wire is judged without looking at letters.
import type { Buffer } from 'node:buffer'
import { HeaderKind, kindOfName } from '../header-kind.ts'

/** What a name means to HTTP/2 itself (RFC 9113 8.2 and 8.3). Pseudo headers come first. */
export const FieldRole = {
  AUTHORITY: 0,
  METHOD: 1,
  PATH: 2,
  SCHEME: 3,
  STATUS: 4,
  PROTOCOL: 5,
  UNKNOWN_PSEUDO: 6,
  REGULAR: 7,
  HOST: 8,
  TE: 9,
  CONTENT_LENGTH: 10,
  COOKIE: 11,
  /** Fields of one connection, which a message may not have. */
  CONNECTION_SPECIFIC: 12,
  /** Empty, upper-case, or with bytes no name has. */
  MALFORMED: 13,
} as const

/** The name of a field. */
export interface FieldName {
  readonly text: string
  /** `HeaderKind`. */
  readonly kind: number
  /** `FieldRole`. */
  readonly role: number
}

const roles = new Map<string, number>([
  [':authority', FieldRole.AUTHORITY],
  [':method', FieldRole.METHOD],
  [':path', FieldRole.PATH],
  [':scheme', FieldRole.SCHEME],
  [':status', FieldRole.STATUS],
  [':protocol', FieldRole.PROTOCOL],
  ['host', FieldRole.HOST],
  ['te', FieldRole.TE],
  ['content-length', FieldRole.CONTENT_LENGTH],
  ['cookie', FieldRole.COOKIE],
  ['connection', FieldRole.CONNECTION_SPECIFIC],
  ['keep-alive', FieldRole.CONNECTION_SPECIFIC],
  ['proxy-connection', FieldRole.CONNECTION_SPECIFIC],
  ['transfer-encoding', FieldRole.CONNECTION_SPECIFIC],
  ['upgrade', FieldRole.CONNECTION_SPECIFIC],
])

/** Names that are in no static table and yet in many requests. */
const frequent = [
  ...[':protocol', 'connection', 'keep-alive', 'proxy-connection', 'upgrade', 'te', 'trailer', 'x-request-id'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-client-cert', 'traceparent', 'tracestate', 'baggage'],
  ...['grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'grpc-status', 'grpc-message', 'priority', 'dnt'],
  ...['x-envoy-attempt-count', 'x-envoy-expected-rq-timeout-ms', 'x-envoy-upstream-service-time', 'origin'],
  ...['upgrade-insecure-requests', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest', 'x-b3-traceid', 'x-b3-spanid'],
]

/** tchar (RFC 9110 5.6.2) without upper-case letters. */
const nameByte = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") nameByte[char.charCodeAt(0)] = 1

const known = new Map<string, FieldName>()
for (const text of frequent) nameOfText(text)

/** The name with this text; only trusted texts, since it is remembered. */
export function nameOfText(text: string): FieldName {
  let name = known.get(text)
  if (name === undefined) {
    const role = roles.get(text) ?? (text.startsWith(':') ? FieldRole.UNKNOWN_PSEUDO : FieldRole.REGULAR)
    name = { text, kind: kindOfName(text), role }
    known.set(text, name)
  }
  return name
}

/** The name that stands in `bytes[start, end)` as it is. What strangers send is not remembered. */
export function nameOfBytes(bytes: Buffer, start: number, end: number): FieldName {
  const text = bytes.latin1Slice(start, end)
  const name = known.get(text)
  if (name !== undefined) return name
  const pseudo = bytes[start] === 58
  for (let at = pseudo ? start + 1 : start; at < end; at++) {
    if (nameByte[bytes[at] as number] === 0) return { text, kind: HeaderKind.OTHER, role: FieldRole.MALFORMED }
  }
  if (start === end) return { text, kind: HeaderKind.OTHER, role: FieldRole.MALFORMED }
  return { text, kind: kindOfName(text), role: pseudo ? FieldRole.UNKNOWN_PSEUDO : FieldRole.REGULAR }
}
