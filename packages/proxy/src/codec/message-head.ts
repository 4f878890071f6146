// Headers of one message, whatever protocol carried it. The exchange reads and edits heads only through this class; codecs
// fill it from the wire and write it to the wire.

import type { Buffer } from 'node:buffer'

/** Why a head is refused. `status` is what a server answers; a client treats all as an upstream protocol error. */
export interface HeadFault {
  readonly status: 400 | 426 | 431 | 501
  /** `%RESPONSE_CODE_DETAILS%`. */
  readonly details: string
}

/** Limits of one head. */
export interface HeadLimits {
  readonly maxBytes: number
  readonly maxHeaders: number
}

/** Where header lines are written as HTTP/1.1 text. */
export interface LineSink {
  /** Latin1. */
  text(text: string): void
  /** A line that was received. */
  field(name: string, value: string): void
  /** A line of our own, whose like is said again and again. */
  line(name: string, value: string): void
  range(bytes: Buffer, start: number, end: number): void
}

/** A number holds so many bits without becoming larger than numbers are kept cheaply. */
const bitsOfDropped = 30

/** What carried a message, in the words of `%PROTOCOL%`. */
export type HttpProtocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'

/**
 * The header lines of one message by index, with what was dropped of them and added since. Nothing received is rewritten:
 * codecs skip what is dropped and append what was added. Pseudo headers are not lines, except that a request's `:authority`
 * stands as its `host` line.
 */
export abstract class MessageHead {
  /** Header lines received. */
  count = 0
  /** `HeaderKind` by index. */
  kinds: number[] = []
  /** Those of the first lines that are not to be passed on, a bit each; and of the others. */
  #dropped = 0
  #droppedFar: Set<number> | undefined = undefined
  /** Bit `1 << kind` is set when such a header is there. */
  seen = 0
  /** Headers added since: name (lower-case) and value in turn. */
  added: string[] = []
  /** Responses: the status. */
  status = 0
  /** Names of lines whose sender asked that no table keeps them (RFC 7541 7.1.3); undefined: none. */
  unindexed: string[] | undefined = undefined

  abstract get protocol(): HttpProtocol
  /** Requests: the method as sent. */
  abstract method(): string
  /** Requests: the target as sent: the request line's, or `:path`. `''` for a CONNECT without a path. */
  abstract target(): string
  /** Requests: true when it was seen at once that normalising the target would change nothing and refuse nothing. */
  plainTarget(): boolean {
    return false
  }
  /** `valueAt` of a header whose values repeat: mostly the very same text again. */
  repeatedValueAt(index: number): string {
    return this.valueAt(index)
  }
  /** Requests: the scheme the message itself names (`:scheme`); undefined in HTTP/1.1. */
  abstract schemeNamed(): string | undefined
  /** The protocol to switch to: `upgrade` of HTTP/1.1, `:protocol` of an extended CONNECT (RFC 8441); or undefined. */
  abstract protocolNamed(): string | undefined
  /** Responses: the reason phrase as received; `''` when the protocol has none. */
  abstract reason(): string
  /** Name of the header at an index, lower-case. */
  abstract nameAt(index: number): string
  /** Value of the header at an index. */
  abstract valueAt(index: number): string
  /** True when the header at an index has this lower-case name. */
  abstract isNamed(index: number, name: string): boolean
  /** The header lines as HTTP/1.1 text, each with its CRLF, without what was dropped and with what was added. */
  abstract lines(): string

  /** `lines`, written to where they go. */
  writeLines(sink: LineSink): void {
    sink.text(this.lines())
  }

  /** True when the value of the header at an index is this lower-case word, in whatever case it was written. */
  isWord(index: number, word: string): boolean {
    return this.valueAt(index).toLowerCase() === word
  }

  /** True when the header at an index is not to be passed on. */
  isDropped(index: number): boolean {
    return index < bitsOfDropped ? (this.#dropped & (1 << index)) !== 0 : this.#droppedFar?.has(index) === true
  }

  /** The header at an index is not to be passed on. */
  drop(index: number): void {
    if (index < bitsOfDropped) this.#dropped |= 1 << index
    else (this.#droppedFar ??= new Set()).add(index)
  }

  /** Nothing is dropped any more. */
  protected keepAll(): void {
    this.#dropped = 0
    this.#droppedFar = undefined
  }

  /** True when a header of this kind was received. */
  has(kind: number): boolean {
    return (this.seen & (1 << kind)) !== 0
  }

  /** Index of the first header of a kind, -1 without one. */
  find(kind: number): number {
    if (!this.has(kind)) return -1
    for (let at = 0; at < this.count; at++) if (this.kinds[at] === kind) return at
    return -1
  }

  /** Value of a header by lower-case name, lines joined with `,`; dropped ones are not seen, added ones are. */
  value(name: string): string | undefined {
    let found: string | undefined
    for (let at = 0; at < this.count; at++) {
      if (this.isDropped(at) || !this.isNamed(at, name)) continue
      found = found === undefined ? this.valueAt(at) : `${found},${this.valueAt(at)}`
    }
    return this.#withAdded(name, found)
  }

  /** `value` of a header that has a kind to itself: no names of received lines are compared. */
  valueOf(kind: number, name: string): string | undefined {
    let found: string | undefined
    for (let at = this.find(kind); at >= 0 && at < this.count; at++) {
      if (this.kinds[at] !== kind || this.isDropped(at)) continue
      found = found === undefined ? this.valueAt(at) : `${found},${this.valueAt(at)}`
    }
    return this.#withAdded(name, found)
  }

  #withAdded(name: string, received: string | undefined): string | undefined {
    let found = received
    const { added } = this
    for (let at = 0; at < added.length; at += 2) {
      if (added[at] === name) found = found === undefined ? added[at + 1] : `${found},${added[at + 1]}`
    }
    return found
  }

  /** Value of the `index`-th line of a header by lower-case name; undefined behind the last. */
  line(name: string, index: number): string | undefined {
    let left = index
    for (let at = 0; at < this.count; at++) {
      if (!this.isDropped(at) && this.isNamed(at, name) && left-- === 0) return this.valueAt(at)
    }
    const { added } = this
    for (let at = 0; at < added.length; at += 2) if (added[at] === name && left-- === 0) return added[at + 1]
    return undefined
  }
}
