// Which bytes may stand where in HTTP/1.1 (RFC 9110 5.5 and 5.6.2, RFC 9112 3.2), one table lookup per byte.

/** tchar: header names and methods. */
export const TOKEN = 1
/** Bytes of a field value: visible, space, tab, obs-text. */
export const VALUE = 2
/** Bytes of a request target: visible. A fragment is refused when the path is normalised, as Envoy does it. */
export const TARGET = 4
/** Hexadecimal digits. */
export const HEX = 8

/** Characters of a path that has nothing to normalise, `/` among them. */
const PATH = 16
/** Visible, but `#`. */
const QUERY = 32

/** Classes of each byte. */
export const charClass: Uint8Array = makeTable()

function makeTable(): Uint8Array {
  const table = new Uint8Array(256)
  const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  for (const char of token) table[char.charCodeAt(0)] = TOKEN
  for (let byte = 0; byte < 256; byte++) {
    if (byte === 9 || (byte >= 0x20 && byte !== 0x7f)) table[byte] = (table[byte] as number) | VALUE
    if (byte > 0x20 && byte < 0x7f) table[byte] = (table[byte] as number) | TARGET
  }
  const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  for (let byte = 0x21; byte < 0x7f; byte++) if (byte !== 0x23) mark(table, byte, QUERY)
  for (const char of '0123456789abcdefABCDEF') mark(table, char.charCodeAt(0), HEX)
  for (const char of `${alphanumeric}/-._~!$&'()*+,;=:@[]`) mark(table, char.charCodeAt(0), PATH)
  return table
}

function mark(table: Uint8Array, byte: number, kind: number): void {
  table[byte] = (table[byte] as number) | kind
}

const SLASH = 47
const DOT = 46
const QUESTION = 63

/**
 * True for a path, with or without a query, in which normalising finds nothing to change and nothing to refuse, whatever it is told
 * to look for. False says nothing.
 */
export function isPlainTarget(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || bytes[start] !== SLASH) return false
  let before = 0
  let at = start
  for (; at < end; at++) {
    const byte = bytes[at] as number
    if (((charClass[byte] as number) & PATH) === 0) break
    if (before === SLASH && (byte === DOT || byte === SLASH)) return false
    before = byte
  }
  if (at === end) return true
  if (bytes[at] !== QUESTION) return false
  while (at < end && ((charClass[bytes[at] as number] as number) & QUERY) !== 0) at++
  return at === end
}

/** As `isPlainTarget`, of a latin1 text. */
export function isPlainText(text: string): boolean {
  const end = text.length
  if (end === 0 || text.charCodeAt(0) !== SLASH) return false
  let before = 0
  let at = 0
  for (; at < end; at++) {
    const code = text.charCodeAt(at)
    if (((charClass[code] as number) & PATH) === 0) break
    if (before === SLASH && (code === DOT || code === SLASH)) return false
    before = code
  }
  if (at === end) return true
  if (text.charCodeAt(at) !== QUESTION) return false
  while (at < end && ((charClass[text.charCodeAt(at)] as number) & QUERY) !== 0) at++
  return at === end
}

/** True for `0` to `9`. */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57
}
