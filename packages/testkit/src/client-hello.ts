import { Buffer } from 'node:buffer'

/** The extension number simulated handshakes keep their certificate in (private use, RFC 8446 section 11). */
export const simCertificateExtension = 0xfaf0

/** What goes into a ClientHello. */
export interface ClientHelloFields {
  readonly sni?: string | undefined
  readonly alpn: readonly string[]
  /** Extra extensions by number. */
  readonly extensions?: ReadonlyMap<number, Buffer>
}

/** One TLS record with a well-formed ClientHello (RFC 8446 section 4.1.2), as a sniffer sees it. */
export function clientHello(fields: ClientHelloFields): Buffer {
  const extensions: Buffer[] = []
  if (fields.sni !== undefined) {
    extensions.push(extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(fields.sni))]))))
  }
  if (fields.alpn.length > 0) {
    const names = fields.alpn.map((name) => sized(1, Buffer.from(name)))
    extensions.push(extension(16, sized(2, Buffer.concat(names))))
  }
  for (const [type, body] of fields.extensions ?? []) extensions.push(extension(type, body))
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(0)),
    sized(2, Buffer.from([0x13, 0x01])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ])
  return tlsRecord(22, Buffer.concat([Buffer.from([1]), sized(3, body)]))
}

/** One TLS record: type, legacy version 0x0303, length, body. */
export function tlsRecord(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3]), sized(2, body)])
}

/** The body of extension `type` in the ClientHello that `record` starts with; undefined when absent. */
export function clientHelloExtension(record: Buffer, type: number): Buffer | undefined {
  let at = 5 + 4 + 2 + 32
  at += 1 + record.readUInt8(at)
  at += 2 + record.readUInt16BE(at)
  at += 1 + record.readUInt8(at)
  const end = at + 2 + record.readUInt16BE(at)
  for (at += 2; at + 4 <= end; at += 4 + record.readUInt16BE(at + 2)) {
    if (record.readUInt16BE(at) === type) return record.subarray(at + 4, at + 4 + record.readUInt16BE(at + 2))
  }
  return undefined
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), sized(2, body)])
}

function sized(lengthBytes: number, body: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(body.length, 0, lengthBytes)
  return Buffer.concat([length, body])
}
