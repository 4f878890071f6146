// The string code of HPACK (RFC 7541 5.2 and appendix B). The code is canonical: the lengths alone say all of it.
import type { Buffer } from 'node:buffer'

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
/** Codes up to this length are found by one look-up; longer ones belong to bytes that are rare in headers. */
const rootBits = 10

const codes = new Uint32Array(eos + 1)
/** By length: the first code, how many there are, and where their symbols begin in `symbols`. */
const firstCode = new Uint32Array(longest + 1)
const codeCount = new Uint16Array(longest + 1)
const firstSymbol = new Uint16Array(longest + 1)
/** In the order of their codes. */
const symbols = new Uint16Array(eos + 1)
/** By the next ten bits: `symbol << 4 | length`; 0: the code is longer. */
const root = new Uint16Array(1 << rootBits)
fillTables()

function fillTables(): void {
  let code = 0
  let order = 0
  for (let length = 1; length <= longest; length++) {
    code *= 2
    firstCode[length] = code
    firstSymbol[length] = order
    for (let symbol = 0; symbol <= eos; symbol++) {
      if (codeLengths[symbol] !== length) continue
      codes[symbol] = code
      symbols[order++] = symbol
      if (length <= rootBits) {
        const from = code << (rootBits - length)
        root.fill((symbol << 4) | length, from, from + (1 << (rootBits - length)))
      }
      code++
    }
    codeCount[length] = order - (firstSymbol[length] as number)
  }
}

/** The most bytes that so many coded ones can become. */
export function decodedLimit(codedBytes: number): number {
  return Math.floor((codedBytes * 8) / 5)
}

/** Decodes `bytes[start, end)` to the start of `target`, which is large enough; returns how many bytes, -1 when malformed. */
export function decodeHuffman(bytes: Buffer, start: number, end: number, target: Buffer): number {
  let at = start
  let bits = 0
  let count = 0
  let written = 0
  for (;;) {
    while (count <= 24 && at < end) {
      bits = (bits << 8) | (bytes[at++] as number)
      count += 8
    }
    if (count < rootBits) break
    const found = root[(bits >>> (count - rootBits)) & ((1 << rootBits) - 1)] as number
    if (found !== 0) {
      target[written++] = found >> 4
      count -= found & 15
      continue
    }
    let code = (bits >>> (count - rootBits)) & ((1 << rootBits) - 1)
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
  }
  return decodeTail(bits, count, target, written)
}

/** The last bits, fewer than ten: whole codes, then less than a byte of ones. */
function decodeTail(bits: number, bitCount: number, target: Buffer, alreadyWritten: number): number {
  let count = bitCount
  let written = alreadyWritten
  while (count > 0) {
    const missing = rootBits - count
    const found = root[((bits << missing) | ((1 << missing) - 1)) & ((1 << rootBits) - 1)] as number
    const length = found & 15
    if (found === 0 || length > count) break
    target[written++] = found >> 4
    count -= length
  }
  const mask = (1 << count) - 1
  return count < 8 && (bits & mask) === mask ? written : -1
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
