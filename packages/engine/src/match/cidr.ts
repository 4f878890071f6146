// Addresses and ranges as integers.
import type { Cidr } from '../predicate.ts'

/** An address: its family and its bits. IPv4-mapped IPv6 addresses become IPv4. */
export interface Address {
  readonly family: 4 | 6
  readonly bits: bigint
}

/** Parses an IPv4 or IPv6 address (RFC 4291 text forms); undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return parseV4(text)
  return parseV6(text)
}

function parseV4(text: string): Address | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let bits = 0n
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    bits = (bits << 8n) | BigInt(part)
  }
  return { family: 4, bits }
}

function parseV6(text: string): Address | undefined {
  let rest = text.split('%')[0] as string
  const lastColon = rest.lastIndexOf(':')
  const tail = rest.slice(lastColon + 1)
  if (tail.includes('.')) {
    const v4 = parseV4(tail)
    if (v4 === undefined) return undefined
    const high = (v4.bits >> 16n).toString(16)
    const low = (v4.bits & 0xffffn).toString(16)
    rest = `${rest.slice(0, lastColon + 1)}${high}:${low}`
  }
  const halves = rest.split('::')
  if (halves.length > 2) return undefined
  const left = halves[0] === '' ? [] : (halves[0] as string).split(':')
  const right = halves.length === 1 || halves[1] === '' ? [] : (halves[1] as string).split(':')
  const missing = 8 - left.length - right.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...left, ...Array<string>(halves.length === 1 ? 0 : missing).fill('0'), ...right]
  let bits = 0n
  for (const group of groups) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined
    bits = (bits << 16n) | BigInt(`0x${group}`)
  }
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits }
}

/** A range from xDS CidrRange or text; undefined when malformed. Host bits are cleared. */
export function makeCidr(address: string, prefixLength: number): Cidr | undefined {
  const parsed = parseAddress(address)
  if (parsed === undefined || prefixLength < 0) return undefined
  const width = parsed.family === 4 ? 32 : 128
  if (prefixLength > width) return undefined
  const shift = BigInt(width - prefixLength)
  const bits = (parsed.bits >> shift) << shift
  return { text: `${address}/${prefixLength}`, family: parsed.family, bits, prefixLength }
}

/** True when the address lies in the range. An address that cannot be read lies in none. */
export function inCidr(cidr: Cidr, address: string): boolean {
  const parsed = parseAddress(address)
  if (parsed === undefined || parsed.family !== cidr.family) return false
  const shift = BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefixLength)
  return parsed.bits >> shift === cidr.bits >> shift
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
