import type { Buffer } from 'node:buffer'

/** What a sniffer learns from the first bytes of a connection that may be TLS. */
export type ClientHelloVerdict =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'tls'; readonly sni: string; readonly alpn: readonly string[] }

/** Bytes of ClientHello looked at; Envoy's tls_inspector default, one record of 16 kB. */
const maxClientHelloBytes = 16 * 1024

/**
 * Recognises a TLS ClientHello (RFC 8446 section 4.1.2) in the bytes received so far and reads its server name (RFC
 * 6066) and ALPN protocols (RFC 7301). A hello spread over several records is read across them. A broken hello counts
 * as TLS without a name: the handshake itself will refuse it.
 */
export function readClientHello(bytes: Buffer): ClientHelloVerdict {
  if (bytes.length === 0) return { kind: 'incomplete' }
  if (bytes[0] !== 22) return { kind: 'not-tls' }
  if (bytes.length < 3) return { kind: 'incomplete' }
  if (bytes[1] !== 3 || (bytes[2] as number) > 4) return { kind: 'not-tls' }
  const hello = handshakeBytes(bytes)
  if (hello === undefined) return { kind: 'incomplete' }
  if (hello.length > 0 && hello[0] !== 1) return { kind: 'not-tls' }
  if (hello.length < 4) return { kind: 'incomplete' }
  const length = 4 + hello.readUIntBE(1, 3)
  if (length > maxClientHelloBytes) return { kind: 'tls', sni: '', alpn: [] }
  if (hello.length < length) return { kind: 'incomplete' }
  try {
    return { kind: 'tls', ...readExtensions(hello.subarray(0, length)) }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'tls', sni: '', alpn: [] }
    throw error
  }
}

/** The handshake message bytes inside the records received so far; undefined before the first is readable. */
function handshakeBytes(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 5) return undefined
  const first = 5 + bytes.readUInt16BE(3)
  if (bytes.length <= first) return bytes.subarray(5)
  const parts: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22; at += 5 + bytes.readUInt16BE(at + 3)) {
    parts.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)))
  }
  return (bytes.constructor as typeof Buffer).concat(parts)
}

function readExtensions(hello: Buffer): { sni: string; alpn: string[] } {
  const found = { sni: '', alpn: [] as string[] }
  let at = 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  if (at >= hello.length) return found
  const end = Math.min(hello.length, at + 2 + hello.readUInt16BE(at))
  for (at += 2; at + 4 <= end; ) {
    const type = hello.readUInt16BE(at)
    const size = hello.readUInt16BE(at + 2)
    const body = hello.subarray(at + 4, at + 4 + size)
    if (type === 0 && body.readUInt8(2) === 0) {
      found.sni = body
        .subarray(5, 5 + body.readUInt16BE(3))
        .toString('latin1')
        .toLowerCase()
    } else if (type === 16) {
      for (let p = 2; p < body.length; p += 1 + body.readUInt8(p)) {
        found.alpn.push(body.toString('latin1', p + 1, p + 1 + body.readUInt8(p)))
      }
    }
    at += 4 + size
  }
  return found
}
