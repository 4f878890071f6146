// xxHash64, the hash by which Envoy spreads requests: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
import { Word64 } from './word64.ts'

/** A hash of 64 bits in two halves. */
export interface Hash64 {
  readonly hi: number
  readonly lo: number
}

const zero: Hash64 = Object.freeze({ hi: 0, lo: 0 })

const p1 = { hi: 0x9e3779b1, lo: 0x85ebca87 }
const p2 = { hi: 0xc2b2ae3d, lo: 0x27d4eb4f }
const p3 = { hi: 0x165667b1, lo: 0x9e3779f9 }
const p4 = { hi: 0x85ebca77, lo: 0xc2b2ae63 }
const p5 = { hi: 0x27d4eb2f, lo: 0x165667c5 }

/** Of one synchronous call. */
const hash = new Word64()
const lane = new Word64()
const lanes = [new Word64(), new Word64(), new Word64(), new Word64()] as const

/** The hash of a text whose characters are bytes (latin1). */
export function xxHash64(text: string, seed: Hash64 = zero): Hash64 {
  const { length } = text
  let at = 0
  if (length >= 32) at = stripes(text, seed)
  else hash.set(seed.hi, seed.lo).add(p5.hi, p5.lo)
  hash.add(0, length)
  for (; at + 8 <= length; at += 8) {
    round(lane.set(0, 0), word(text, at + 4), word(text, at))
    hash.xor(lane.hi, lane.lo).rotateLeft(27).multiply(p1.hi, p1.lo).add(p4.hi, p4.lo)
  }
  if (at + 4 <= length) {
    lane.set(0, word(text, at)).multiply(p1.hi, p1.lo)
    hash.xor(lane.hi, lane.lo).rotateLeft(23).multiply(p2.hi, p2.lo).add(p3.hi, p3.lo)
    at += 4
  }
  for (; at < length; at++) {
    lane.set(0, text.charCodeAt(at) & 0xff).multiply(p5.hi, p5.lo)
    hash.xor(lane.hi, lane.lo).rotateLeft(11).multiply(p1.hi, p1.lo)
  }
  hash.foldRight(33).multiply(p2.hi, p2.lo).foldRight(29).multiply(p3.hi, p3.lo).foldRight(32)
  return { hi: hash.hi, lo: hash.lo }
}

/** All of 32 bytes each; returns where they end. */
function stripes(text: string, { hi, lo }: Hash64): number {
  const [a, b, c, d] = lanes
  a.set(hi, lo).add(p1.hi, p1.lo).add(p2.hi, p2.lo)
  b.set(hi, lo).add(p2.hi, p2.lo)
  c.set(hi, lo)
  // Without P1: its complement and one more.
  d.set(hi, lo)
    .add(~p1.hi >>> 0, ~p1.lo >>> 0)
    .add(0, 1)
  let at = 0
  for (; at + 32 <= text.length; at += 32)
    for (let each = 0; each < 4; each++)
      round(lanes[each] as Word64, word(text, at + each * 8 + 4), word(text, at + each * 8))
  hash.set(0, 0)
  for (const [each, bits] of [
    [a, 1],
    [b, 7],
    [c, 12],
    [d, 18],
  ] as const) {
    lane.set(each.hi, each.lo).rotateLeft(bits)
    hash.add(lane.hi, lane.lo)
  }
  for (const each of lanes) {
    round(lane.set(0, 0), each.hi, each.lo)
    hash.xor(lane.hi, lane.lo).multiply(p1.hi, p1.lo).add(p4.hi, p4.lo)
  }
  return at
}

const product = new Word64()

function round(into: Word64, hi: number, lo: number): void {
  product.set(hi, lo).multiply(p2.hi, p2.lo)
  into.add(product.hi, product.lo).rotateLeft(31).multiply(p1.hi, p1.lo)
}

function word(text: string, at: number): number {
  const byte = (place: number): number => text.charCodeAt(place) & 0xff
  return (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24)) >>> 0
}

/** The remainder of a division by a number below 2^26. */
export function remainder({ hi, lo }: Hash64, divisor: number): number {
  return ((hi % divisor) * (0x1_0000_0000 % divisor) + lo) % divisor
}

/** 16 hexadecimal digits. */
export function hexOf({ hi, lo }: Hash64): string {
  return hi.toString(16).padStart(8, '0') + lo.toString(16).padStart(8, '0')
}
