// Makes heads of decoded fields and judges them (RFC 9113 8.2 and 8.3). A malformed message is an error of its stream.
import { charClass, TOKEN } from '../h1/char-table.ts'
import { FieldsHead } from '../fields-head.ts'
import { HeaderKind } from '../header-kind.ts'
import type { HeadFault, HeadLimits } from '../message-head.ts'
import { type FieldName, FieldRole } from './field-name.ts'
import { FieldFlag, type FieldSink } from './hpack-decoder.ts'

/** What a block is the head of; `nothing`: it is decoded only to keep the table in step. */
export type HeadForm = 'request' | 'response' | 'trailers' | 'nothing'

/** Envoy's words for `%RESPONSE_CODE_DETAILS%`: a rule of HTTP/2 is broken, or a field cannot be. */
export const brokenRule = 'http2.violation.of.messaging.rule'
export const invalidField = 'http2.invalid.header.field'
const tooLarge: HeadFault = { status: 431, details: 'http2.too_many_headers' }

const pathOrScheme = (1 << FieldRole.PATH) | (1 << FieldRole.SCHEME)
const nothing = new FieldsHead()

/** Reads one head after the other of one connection. */
export class HeadReader implements FieldSink {
  full = false
  head = nothing
  /** Why the message is malformed; undefined when it is not. */
  malformed: string | undefined = undefined
  /** Why the request is answered instead of served; the message itself is well-formed. */
  refused: HeadFault | undefined = undefined
  /** `content-length`; -1 without one. */
  contentLength = -1
  #form: HeadForm = 'nothing'
  #limits: HeadLimits = { maxBytes: 0, maxHeaders: 0 }
  #bytes = 0
  #pseudo = 0
  #pathFlags = 0
  #regular = false
  #authority: string | undefined = undefined
  #allowProtocol = false

  /** Begins a head. `allowProtocol`: extended CONNECT was offered (RFC 8441). */
  begin(form: HeadForm, limits: HeadLimits, allowProtocol = false): void {
    this.#form = form
    this.#limits = limits
    this.#allowProtocol = allowProtocol
    this.full = form === 'nothing'
    this.head = form === 'nothing' ? nothing : new FieldsHead()
    this.malformed = undefined
    this.refused = undefined
    this.contentLength = -1
    this.#bytes = 0
    this.#pseudo = 0
    this.#regular = false
    this.#authority = undefined
  }

  onField(name: FieldName, value: string, flags: number): void {
    this.#bytes += name.text.length + value.length
    if (this.#bytes > this.#limits.maxBytes || this.head.count >= this.#limits.maxHeaders) {
      this.refused = tooLarge
      this.full = true
      return
    }
    if ((flags & FieldFlag.MALFORMED) !== 0) return this.#bad(invalidField)
    const { role } = name
    if (role === FieldRole.REGULAR) {
      this.#regular = true
      this.head.push(name.text, value, name.kind)
    } else if (role < FieldRole.REGULAR) this.#onPseudo(role, value, flags)
    else this.#onSpecial(name, value, flags)
    if ((flags & FieldFlag.NEVER_INDEXED) !== 0 && role >= FieldRole.REGULAR) this.head.keepUnindexed(name.text)
  }

  /** All fields came. Afterwards `head`, `malformed` and `refused` say what it is. */
  finish(): void {
    if (this.malformed !== undefined || this.refused !== undefined) return
    if (this.#form === 'request') this.#finishRequest()
    else if (this.#form === 'response' && this.head.status === 0) this.#bad(brokenRule)
  }

  #bad(details: string): void {
    this.malformed ??= details
    this.full = true
  }

  #onPseudo(role: number, value: string, flags: number): void {
    const bit = 1 << role
    const foreign = this.#form === 'request' ? role === FieldRole.STATUS : role !== FieldRole.STATUS
    if (this.#regular || foreign || this.#form === 'trailers' || (this.#pseudo & bit) !== 0)
      return this.#bad(brokenRule)
    this.#pseudo |= bit
    const { head } = this
    switch (role) {
      case FieldRole.METHOD:
        if (value !== 'GET' && value !== 'POST' && !allOf(value, TOKEN)) return this.#bad(invalidField)
        head.methodText = value
        return
      case FieldRole.PATH:
        head.path = value
        this.#pathFlags = flags
        return
      case FieldRole.SCHEME:
        if (value !== 'http' && value !== 'https' && !scheme.test(value)) return this.#bad(invalidField)
        head.scheme = value
        return
      case FieldRole.AUTHORITY:
        // An empty one stands for none.
        if (value === '') return
        if ((flags & FieldFlag.NO_TARGET) !== 0 || value.includes('@')) return this.#bad(invalidField)
        this.#authority = value
        head.push('host', value, HeaderKind.HOST)
        return
      case FieldRole.STATUS:
        head.status = numberOf(value, 3)
        if (value.length !== 3 || head.status < 100) return this.#bad(invalidField)
        return
      case FieldRole.PROTOCOL:
        if (!this.#allowProtocol || !allOf(value, TOKEN)) return this.#bad(brokenRule)
        head.connectProtocol = value
        return
      default:
        return this.#bad(brokenRule)
    }
  }

  #onSpecial(name: FieldName, value: string, flags: number): void {
    this.#regular = true
    const { head } = this
    // Neither framing nor routing can be changed behind a message.
    if (this.#form === 'trailers') return this.#bad(name.role === FieldRole.MALFORMED ? invalidField : brokenRule)
    switch (name.role) {
      case FieldRole.HOST:
        return this.#onHost(value, flags)
      case FieldRole.COOKIE: {
        // Crumbs are one field everywhere else (RFC 9113 8.2.3).
        const first = head.find(HeaderKind.COOKIE)
        if (first < 0) head.push(name.text, value, name.kind)
        else head.extend(first, `; ${value}`)
        return
      }
      case FieldRole.CONTENT_LENGTH:
        return this.#onContentLength(name, value)
      case FieldRole.TE:
        if (value.toLowerCase() !== 'trailers') return this.#bad(brokenRule)
        head.push(name.text, value, name.kind)
        return
      default:
        return this.#bad(name.role === FieldRole.MALFORMED ? invalidField : brokenRule)
    }
  }

  /** Beside `:authority` it may stand only when it says the same (RFC 9113 8.3.1). */
  #onHost(value: string, flags: number): void {
    if (this.#form !== 'request') this.head.push('host', value, HeaderKind.HOST)
    else if (this.#authority === undefined) {
      const wrong = value === '' || (flags & FieldFlag.NO_TARGET) !== 0 || value.includes('@')
      if (wrong || this.head.has(HeaderKind.HOST)) return this.#bad(invalidField)
      this.head.push('host', value, HeaderKind.HOST)
    } else if (value.toLowerCase() !== this.#authority.toLowerCase()) this.#bad(brokenRule)
  }

  #onContentLength(name: FieldName, value: string): void {
    const bytes = numberOf(value, 15)
    if (bytes < 0) return this.#bad(invalidField)
    if (this.contentLength >= 0) {
      if (bytes !== this.contentLength) this.#bad(invalidField)
      return
    }
    this.contentLength = bytes
    this.head.push(name.text, value, name.kind)
  }

  #finishRequest(): void {
    const { head } = this
    const pseudo = this.#pseudo
    if (head.methodText === 'CONNECT' && head.connectProtocol === undefined) {
      if ((pseudo & pathOrScheme) !== 0 || this.#authority === undefined) this.#bad(brokenRule)
      return
    }
    if (head.connectProtocol !== undefined && head.methodText !== 'CONNECT') return this.#bad(brokenRule)
    if (head.methodText === '' || !head.has(HeaderKind.HOST) || (pseudo & pathOrScheme) !== pathOrScheme)
      return this.#bad(brokenRule)
    const { path } = head
    if (path === '*') {
      if (head.methodText !== 'OPTIONS') this.#bad(invalidField)
    } else if (path.charCodeAt(0) !== 47) this.#bad(invalidField)
    else if ((this.#pathFlags & FieldFlag.NO_TARGET) !== 0) this.#bad(invalidField)
  }
}

const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]{0,30}$/

/** The number that a text of at most so many digits is; -1 when it is none. */
function numberOf(text: string, mostDigits: number): number {
  const { length } = text
  if (length === 0 || length > mostDigits) return -1
  let value = 0
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** True when the text is not empty and each byte is of the class. */
function allOf(text: string, wanted: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (((charClass[text.charCodeAt(at) & 0xff] as number) & wanted) === 0) return false
  }
  return text.length > 0
}
