// Which bytes may stand where in HTTP/1.1 (RFC 9110 5.5 and 5.6.2, RFC 9112 3.2), one table lookup per byte.

/** tchar: header names and methods. */
export const TOKEN = 1
/** Bytes of a field value: visible, space, tab, obs-text. */
export const VALUE = 2
/** Bytes of a request target: visible. A fragment is refused when the path is normalised, as Envoy does it. */
export const TARGET = 4
/** Hexadecimal digits. */
export const HEX = 8

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
  for (const char of '0123456789abcdefABCDEF') {
    table[char.charCodeAt(0)] = (table[char.charCodeAt(0)] as number) | HEX
  }
  return table
}
