// The least of DER (X.690) needed to read what an X.509 certificate says about itself. It never guesses: anything
// that is not strict DER in the places we read makes the whole parse fail.

/** One element: its tag byte and its content; `raw` includes the header. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  readonly raw: Uint8Array
}

/** Thrown by the readers here and caught once, at `certificateFacts`. */
export class DerError extends Error {}

/** Tags used in certificates. */
export const TAG = {
  boolean: 1,
  integer: 2,
  bitString: 3,
  octetString: 4,
  oid: 6,
  utcTime: 23,
  generalizedTime: 24,
} as const

/** Reads the element at the start of `bytes`. */
export function readElement(bytes: Uint8Array, offset = 0): DerElement {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) throw new DerError('truncated element')
  if ((tag & 0x1f) === 0x1f) throw new DerError('multi-byte tag')
  let length = first
  let header = 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw new DerError('bad length')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[offset + 2 + i] ?? Number.NaN)
    header += count
    if (!(length >= 0x80)) throw new DerError('length is not minimal')
  }
  const end = offset + header + length
  if (end > bytes.length) throw new DerError('truncated element')
  return { tag, content: bytes.subarray(offset + header, end), raw: bytes.subarray(offset, end) }
}

/** All elements that follow one another in `bytes`. */
export function readAll(bytes: Uint8Array): DerElement[] {
  const list: DerElement[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const element = readElement(bytes, offset)
    list.push(element)
    offset += element.raw.length
  }
  return list
}

/** The children of a constructed element with this tag. */
export function children(element: DerElement | undefined, tag: number): DerElement[] {
  if (element === undefined || element.tag !== tag) throw new DerError(`expected tag ${tag}`)
  return readAll(element.content)
}

/** An object identifier's content as lower-case hexadecimal: enough to compare. */
export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Text of a string type; every byte is one character (IA5String). */
export function ia5(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (byte > 0x7f) throw new DerError('IA5String holds a byte above 127')
    text += String.fromCharCode(byte)
  }
  return text
}

/** UTCTime or GeneralizedTime in the only forms RFC 5280 4.1.2.5 allows, as milliseconds since 1970. */
export function timeMs(element: DerElement): number {
  const text = ia5(element.content)
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  const wide = element.tag === TAG.generalizedTime
  if (match === null || (match[1] as string).length !== (wide ? 4 : 2)) throw new DerError('bad time')
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  // RFC 5280 4.1.2.5.1: two-digit years from 50 on are 19xx.
  const fullYear = wide ? year : year >= 50 ? 1900 + year : 2000 + year
  return (daysFromCivil(fullYear, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1000
}

// Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"):
// pure code may not name Date.
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
