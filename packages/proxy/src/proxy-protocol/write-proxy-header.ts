import { Buffer } from 'node:buffer'
import { addressFamily } from './address-family.ts'
import type { ProxyEnd } from './read-proxy-header.ts'
import { textOfIPv6 } from './text-of-ipv6.ts'

/** Who the connection is made for; undefined: for ourselves. */
export interface ProxiedEnds {
  readonly source: ProxyEnd
  readonly destination: ProxyEnd
}

/**
 * The PROXY protocol header that goes in front of a connection. Ends of different families, or such that are no
 * addresses, cannot be told: then the header says that it knows none (UNKNOWN, or LOCAL).
 */
export function writeProxyHeader(version: 1 | 2, ends: ProxiedEnds | undefined): Buffer {
  return version === 1 ? writeLine(ends) : writeBinary(ends)
}

function familyOf({ source, destination }: ProxiedEnds): 4 | 6 | undefined {
  const family = addressFamily(source.address)
  return family === addressFamily(destination.address) ? family : undefined
}

function writeLine(ends: ProxiedEnds | undefined): Buffer {
  const family = ends === undefined ? undefined : familyOf(ends)
  if (ends === undefined || family === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  const { source, destination } = ends
  const text = family === 4 ? (address: string) => address : shortIPv6
  const addresses = `${text(source.address)} ${text(destination.address)}`
  return Buffer.from(`PROXY TCP${family} ${addresses} ${source.port} ${destination.port}\r\n`, 'latin1')
}

/** Groups written as IPv4 may be too long: a line has room for two addresses of 39 letters. */
function shortIPv6(address: string): string {
  return textOfIPv6(Buffer.from(bytesOfIPv6(address)), 0)
}

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

function writeBinary(ends: ProxiedEnds | undefined): Buffer {
  const family = ends === undefined ? undefined : familyOf(ends)
  if (ends === undefined || family === undefined) return Buffer.from([...signature, 0x20, 0x00, 0x00, 0x00])
  const bytesOf = family === 4 ? bytesOfIPv4 : bytesOfIPv6
  const { source, destination } = ends
  const body = [
    ...bytesOf(source.address),
    ...bytesOf(destination.address),
    ...twoBytes(source.port),
    ...twoBytes(destination.port),
  ]
  return Buffer.from([...signature, 0x21, family === 4 ? 0x11 : 0x21, ...twoBytes(body.length), ...body])
}

function twoBytes(value: number): readonly number[] {
  return [value >> 8, value & 0xff]
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, '')
}

function bytesOfIPv4(address: string): readonly number[] {
  return address.split('.').map(Number)
}

/** Of a valid address; the last two groups may be written as IPv4. */
function bytesOfIPv6(address: string): readonly number[] {
  const [front = '', back] = withoutZone(address).split('::')
  const left = groupsOf(front)
  const right = back === undefined ? [] : groupsOf(back)
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0)
  return [...left, ...zeros, ...right].flatMap(twoBytes)
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = bytesOfIPv4(group)
    return [(a << 8) | b, (c << 8) | d]
  })
}
