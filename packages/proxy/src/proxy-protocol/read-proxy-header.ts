import type { Buffer } from 'node:buffer'
import { addressFamily } from './address-family.ts'
import { textOfIPv6 } from './text-of-ipv6.ts'

/** One end of a connection, as a PROXY header names it. */
export interface ProxyEnd {
  readonly address: string
  readonly port: number
}

/** What the first bytes of a connection are to a receiver of the PROXY protocol. */
export type ProxyHeaderVerdict =
  /** They may become a header; more bytes will tell. */
  | { readonly kind: 'incomplete' }
  /** They cannot become one. */
  | { readonly kind: 'none' }
  /** They begin as one and break its rules. */
  | { readonly kind: 'malformed'; readonly detail: string }
  | {
      readonly kind: 'header'
      readonly version: 1 | 2
      /** Bytes of the header; what follows is the connection's own. */
      readonly length: number
      /** Undefined: the sender speaks for itself (LOCAL, UNKNOWN), or over something that has no addresses. */
      readonly ends: { readonly source: ProxyEnd; readonly destination: ProxyEnd } | undefined
    }

/** The longest line of version 1, with its line end. */
const maxLineBytes = 107
const lineStart = 'PROXY '
/** The first twelve bytes of version 2, as latin1. */
const signature = '\r\n\r\n\0\r\nQUIT\n'
const binaryHeadBytes = 16

const incomplete = { kind: 'incomplete' } as const
const none = { kind: 'none' } as const

/**
 * Reads a PROXY protocol header, version 1 or 2, at the start of `bytes`. Additional fields (TLVs) of version 2 are checked
 * for their framing and skipped. Bytes that can no longer become a header are known as soon as possible.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeaderVerdict {
  const start = bytes.toString('latin1', 0, signature.length)
  if (start.startsWith(lineStart)) return readLine(bytes)
  if (start === signature) return readBinary(bytes)
  return lineStart.startsWith(start) || signature.startsWith(start) ? incomplete : none
}

function malformed(detail: string): ProxyHeaderVerdict {
  return { kind: 'malformed', detail }
}

function readLine(bytes: Buffer): ProxyHeaderVerdict {
  const text = bytes.toString('latin1', 0, maxLineBytes)
  const end = text.indexOf('\n')
  if (end < 0) return text.length < maxLineBytes ? incomplete : malformed(`no line end within ${maxLineBytes} bytes`)
  if (text[end - 1] !== '\r') return malformed('the line ends without a carriage return')
  const length = end + 1
  const [family = '', source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = text
    .slice(lineStart.length, end - 1)
    .split(' ')
  if (family === 'UNKNOWN') return { kind: 'header', version: 1, length, ends: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  if (isAddress === undefined) return malformed('the protocol is neither TCP4, TCP6 nor UNKNOWN')
  if (more.length > 0) return malformed('too many fields')
  if (!isAddress(source) || !isAddress(destination)) return malformed(`not an address of ${family}`)
  const ports = [sourcePort, destinationPort].map(portOf)
  const [from, to] = ports
  if (from === undefined || to === undefined) return malformed('not a port')
  const ends = { source: { address: source, port: from }, destination: { address: destination, port: to } }
  return { kind: 'header', version: 1, length, ends }
}

function isIPv4(text: string): boolean {
  return addressFamily(text) === 4
}

/** Without a zone, which means nothing on another machine. */
function isIPv6(text: string): boolean {
  return addressFamily(text) === 6 && !text.includes('%')
}

function portOf(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff ? Number(text) : undefined
}

function readBinary(bytes: Buffer): ProxyHeaderVerdict {
  if (bytes.length < binaryHeadBytes) {
    const command = bytes[signature.length]
    return command === undefined || isCommand(command) ? incomplete : malformed(`version and command ${command}`)
  }
  const command = bytes[12] as number
  if (!isCommand(command)) return malformed(`version and command ${command}`)
  const family = bytes[13] as number
  const body = bytes.readUInt16BE(14)
  const length = binaryHeadBytes + body
  const addresses = addressBytes.get(family)
  if (command === proxied) {
    if (addresses === undefined) return malformed(`address family and transport ${family}`)
    if (body < addresses) return malformed(`${body} bytes are too few for the addresses`)
  }
  if (bytes.length < length) return incomplete
  // The sender's own connection: whatever else the header holds says nothing.
  if (command === local) return { kind: 'header', version: 2, length, ends: undefined }
  const broken = brokenField(bytes, binaryHeadBytes + (addresses as number), length)
  if (broken !== undefined) return malformed(broken)
  return { kind: 'header', version: 2, length, ends: binaryEnds(bytes, family) }
}

const local = 0x20
const proxied = 0x21

function isCommand(byte: number): boolean {
  return byte === local || byte === proxied
}

const tcp4 = 0x11
const tcp6 = 0x21

/** Length of the addresses by family and transport. Datagrams do not arrive on a stream. */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [tcp4, 12],
  [tcp6, 36],
  [0x31, 216],
])

/** What is wrong with the additional fields: a type, two bytes of length, the value; one after another. */
function brokenField(bytes: Buffer, from: number, end: number): string | undefined {
  let at = from
  while (at < end) {
    if (at + 3 > end) return 'an additional field is cut off'
    at += 3 + bytes.readUInt16BE(at + 1)
  }
  return at === end ? undefined : 'an additional field reaches over the end'
}

function binaryEnds(bytes: Buffer, family: number) {
  if (family !== tcp4 && family !== tcp6) return undefined
  const size = family === tcp4 ? 4 : 16
  const text = family === tcp4 ? textOfIPv4 : textOfIPv6
  const at = binaryHeadBytes
  return {
    source: { address: text(bytes, at), port: bytes.readUInt16BE(at + 2 * size) },
    destination: { address: text(bytes, at + size), port: bytes.readUInt16BE(at + 2 * size + 2) },
  }
}

function textOfIPv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}
