// HPACK for the tests' own ends: not the proxy's code, so that both cannot be wrong the same way. Writes literals only.
import { staticTable } from './test-hpack-table.ts'
import type { FieldList } from './h2-steps.ts'

/** Lengths of the codes of RFC 7541 appendix B by symbol, the end-of-string symbol last; the code itself is canonical. */
const codeLengths = [
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

const symbols = codeTable()

/** By `length:code`. */
function codeTable(): ReadonlyMap<string, number> {
  const order = codeLengths.map((length, symbol) => ({ length, symbol }))
  order.sort((a, b) => a.length - b.length || a.symbol - b.symbol)
  const table = new Map<string, number>()
  let code = 0
  let length = order[0]?.length ?? 0
  for (const entry of order) {
    code *= 2 ** (entry.length - length)
    length = entry.length
    table.set(`${length}:${code}`, entry.symbol)
    code++
  }
  return table
}

function unHuffman(bytes: Buffer): string {
  let text = ''
  let code = 0
  let length = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1)
      length++
      const symbol = symbols.get(`${length}:${code}`)
      if (symbol === undefined) continue
      text += String.fromCharCode(symbol)
      code = 0
      length = 0
    }
  }
  return text
}

/** Literals that are never put into a table, without Huffman coding: what is sent is what is written. */
export function encodeFields(fields: FieldList): Buffer {
  const parts = fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)]))
  return Buffer.concat(parts)
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([integer(bytes.length, 7), bytes])
}

function integer(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

/** Decodes the header blocks of one connection. */
export class FieldDecoder {
  #dynamic: [string, string][] = []
  #limit = 4_096
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  decode(block: Buffer): [string, string][] {
    this.#block = block
    this.#at = 0
    const fields: [string, string][] = []
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0
      if (first >= 128) fields.push(this.#entry(this.#integer(7)))
      else if (first >= 64) {
        const field = this.#literal(6)
        this.#dynamic.unshift(field)
        this.#evict()
        fields.push(field)
      } else if (first >= 32) {
        this.#limit = this.#integer(5)
        this.#evict()
      } else fields.push(this.#literal(4))
    }
    return fields
  }

  #evict(): void {
    const size = (): number => this.#dynamic.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
    while (this.#dynamic.length > 0 && size() > this.#limit) this.#dynamic.pop()
  }

  #entry(index: number): [string, string] {
    const found = staticTable[index - 1] ?? this.#dynamic[index - 1 - staticTable.length]
    if (found === undefined) throw new Error(`no header field ${index}`)
    return [found[0], found[1]]
  }

  #literal(bits: number): [string, string] {
    const index = this.#integer(bits)
    const name = index === 0 ? this.#string() : this.#entry(index)[0]
    return [name, this.#string()]
  }

  #string(): string {
    const coded = (this.#block[this.#at] ?? 0) >= 128
    const length = this.#integer(7)
    const bytes = this.#block.subarray(this.#at, this.#at + length)
    this.#at += length
    return coded ? unHuffman(bytes) : bytes.toString('latin1')
  }

  #integer(bits: number): number {
    const most = 2 ** bits - 1
    let value = (this.#block[this.#at++] ?? 0) & most
    if (value < most) return value
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#block[this.#at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
}
