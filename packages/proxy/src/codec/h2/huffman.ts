// The string code of HPACK (RFC 7541 5.2 and appendix B). The code is canonical: the lengths alone say all of it.
import type { Buffer } from 'node:buffer'
import { charClass, TARGET, VALUE } from '../h1/char-table.ts'

/** Bits of each byte's code; the last is that of EOS. */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
]
const eos = 256
const longest = 30
/** Bits looked at together: two codes of the bytes that are frequent in headers, and the whole of all but rare ones. */
const rootBits = 12
const rootMask = (1 << rootBits) - 1

const codes = new Uint32Array(eos + 1)
/** By length: the first code, how many there are, and where their symbols begin in `symbols`. */
const firstCode = new Uint32Array(longest + 1)
const codeCount = new Uint16Array(longest + 1)
const firstSymbol = new Uint16Array(longest + 1)
/** In the order of their codes. */
const symbols = new Uint16Array(eos + 1)
/**
 * By the next bits: one or two symbols (a byte each), how many (2 bits), their length in bits (4 bits), and the classes that one
 * of them is not of (VALUE and TARGET, above). 0: the code is longer; `unknown`: not worked out yet.
 */
const root = new Int32Array(1 << rootBits)
const countShift = 16
const lengthShift = 18
const lacksShift = 22
const classBits = VALUE | TARGET
/** In what `decodeHuffman` returns: the classes that one of the bytes is not of. */
const outcomeShift = 24
const lengthMask = (1 << outcomeShift) - 1
/** By the next bits: one symbol. What `root` is made of. */
const single = new Int32Array(1 << rootBits)
const unknown = -1
fillTables()

/** In few steps: a loop that runs long enough to be compiled costs each idle proxy the memory of V8's compilers. */
function fillTables(): void {
  for (const length of codeLengths) codeCount[length] = (codeCount[length] as number) + 1
  for (let length = 1; length <= longest; length++) {
    const before = length - 1
    firstCode[length] = ((firstCode[before] as number) + (codeCount[before] as number)) * 2
    firstSymbol[length] = (firstSymbol[before] as number) + (codeCount[before] as number)
  }
  const placed = new Uint16Array(longest + 1)
  for (let symbol = 0; symbol <= eos; symbol++) {
    const length = codeLengths[symbol] as number
    const place = placed[length] as number
    placed[length] = place + 1
    const code = (firstCode[length] as number) + place
    codes[symbol] = code
    symbols[(firstSymbol[length] as number) + place] = symbol
    if (length > rootBits) continue
    const from = code << (rootBits - length)
    const entry = symbol | (1 << countShift) | (length << lengthShift) | (lacks(symbol) << lacksShift)
    single.fill(entry, from, from + (1 << (rootBits - length)))
  }
  root.fill(unknown)
}

/** What comes with the next bits, worked out when they come for the first time. */
function rootOf(bits: number): number {
  const known = root[bits] as number
  return known === unknown ? (root[bits] = withSecond(bits)) : known
}

/** Adds a second symbol when all of its code is among the bits. */
function withSecond(bits: number): number {
  const first = single[bits] as number
  if (first === 0) return 0
  const used = lengthOf(first)
  const second = single[(bits << used) & rootMask] as number
  if (second === 0 || used + lengthOf(second) > rootBits) return first
  const length = (used + lengthOf(second)) << lengthShift
  return (
    (first & 0xff) |
    ((second & 0xff) << 8) |
    (2 << countShift) |
    length |
    ((first | second) & (classBits << lacksShift))
  )
}

function lengthOf(entry: number): number {
  return (entry >> lengthShift) & 15
}

/** The classes, of VALUE and TARGET, that a byte is not of. */
function lacks(symbol: number): number {
  return ~(charClass[symbol] as number) & classBits
}

/** The most bytes that so many coded ones can become, and one for a second symbol that is written and not counted. */
export function decodedLimit(codedBytes: number): number {
  return Math.floor((codedBytes * 8) / 5) + 1
}

/** The classes, of VALUE and TARGET, that all bytes are of which `decodeHuffman` decoded. */
export function decodedClasses(decoded: number): number {
  return classBits & ~(decoded >> outcomeShift)
}

/** How many bytes `decodeHuffman` decoded. */
export function decodedBytes(decoded: number): number {
  return decoded & lengthMask
}

/**
 * Decodes `bytes[start, end)` to the start of `target`, which has `decodedLimit` bytes. Returns what `decodedBytes` and
 * `decodedClasses` read; -1: malformed.
 */
export function decodeHuffman(bytes: Buffer, start: number, end: number, target: Buffer): number {
  let at = start
  let bits = 0
  let count = 0
  let written = 0
  let seen = 0
  for (;;) {
    if (count < rootBits) {
      if (at + 1 < end) {
        bits = (bits << 16) | ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
        at += 2
        count += 16
      } else if (at < end) {
        bits = (bits << 8) | (bytes[at++] as number)
        count += 8
        if (count < rootBits) break
      } else break
    }
    const found = rootOf((bits >>> (count - rootBits)) & rootMask)
    if (found !== 0) {
      target[written] = found & 0xff
      target[written + 1] = (found >> 8) & 0xff
      written += (found >> countShift) & 3
      count -= (found >> lengthShift) & 15
      seen |= found
      continue
    }
    let code = (bits >>> (count - rootBits)) & rootMask
    let length = rootBits
    count -= rootBits
    let symbol = -1
    while (symbol < 0) {
      if (length === longest) return -1
      if (count === 0) {
        if (at === end) return -1
        bits = bytes[at++] as number
        count = 8
      }
      code = code * 2 + ((bits >>> --count) & 1)
      length++
      const place = code - (firstCode[length] as number)
      if (place >= 0 && place < (codeCount[length] as number))
        symbol = symbols[(firstSymbol[length] as number) + place] as number
    }
    if (symbol === eos) return -1
    target[written++] = symbol
    seen |= lacks(symbol) << lacksShift
  }
  return decodeTail(bits, count, target, written | (((seen >> lacksShift) & classBits) << outcomeShift))
}

/** The last bits, fewer than twelve: whole codes, then less than a byte of ones. `before`: what was decoded so far. */
function decodeTail(bits: number, bitCount: number, target: Buffer, before: number): number {
  let count = bitCount
  let written = before & lengthMask
  let lacking = before & ~lengthMask
  while (count > 0) {
    const missing = rootBits - count
    const found = rootOf(((bits << missing) | ((1 << missing) - 1)) & rootMask)
    const symbol = found & 0xff
    const length = found === 0 ? longest : (codeLengths[symbol] as number)
    if (length > count) break
    target[written++] = symbol
    lacking |= lacks(symbol) << outcomeShift
    count -= length
  }
  const mask = (1 << count) - 1
  return count < 8 && (bits & mask) === mask ? written | lacking : -1
}

/** How many bytes the code of a latin1 text takes. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let at = 0; at < text.length; at++) bits += codeLengths[text.charCodeAt(at) & 0xff] as number
  return (bits + 7) >> 3
}

/** Writes the code of a latin1 text to `target`, which is large enough; returns where it ends. */
export function encodeHuffman(text: string, target: Buffer, start: number): number {
  let at = start
  let bits = 0
  let count = 0
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff
    let length = codeLengths[symbol] as number
    const code = codes[symbol] as number
    // In pieces of at most 16 bits, so that all of it stays within 32.
    while (length > 0) {
      const taken = Math.min(length, 16)
      length -= taken
      bits = (bits << taken) | ((code >>> length) & ((1 << taken) - 1))
      count += taken
      while (count >= 8) {
        count -= 8
        target[at++] = (bits >>> count) & 0xff
      }
    }
  }
  if (count > 0) target[at++] = ((bits << (8 - count)) | ((1 << (8 - count)) - 1)) & 0xff
  return at
}
