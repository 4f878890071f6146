import { charClass, isDigit, isPlainTarget, TARGET, TOKEN, VALUE } from './char-table.ts'
import {
  badMethod,
  tooLarge,
  tooMany,
  lowVersion,
  badVersion,
  bareLf,
  bareCr,
  badTarget,
  badRequestLine,
  badStatusLine,
  badValue,
  nameFault,
} from './head-faults.ts'
import { RecentTexts } from './recent-texts.ts'
import { HeaderKind, headerKindOf } from '../header-kind.ts'
import { type HeadFault, type HeadLimits, type HttpProtocol, type LineSink, MessageHead } from '../message-head.ts'

const CR = 13
const LF = 10
const SP = 32
const HT = 9
const COLON = 58

const recentValues = new RecentTexts()

/** Methods longer than this are not methods. */
const maxMethodBytes = 32

/**
 * One head, found in a byte stream: parsed once, kept as offsets into the bytes, and as one latin1 string when it is needed
 * after them: `settle` says that they are about to go. `parse` may be called again with more bytes behind the same start;
 * finished lines are not looked at twice, and the outcome depends only on the bytes, not on how they were cut.
 */
export class H1Head extends MessageHead {
  /** 1: HTTP/1.1, 0: HTTP/1.0. */
  minor = 1
  /** Bytes of the head. */
  length = 0
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  /** Start of the first header line. */
  firstLine = 0
  fault: HeadFault | undefined = undefined
  /** The protocol of `upgrade`: asked for, when `connection` names it too, or agreed on by 101. Set by the codec. */
  upgrade: string | undefined = undefined
  /** Per header: name start, name end, value start, value end (trimmed), line end (after CRLF). */
  offsets: Int32Array = new Int32Array(24 * 5)
  readonly #isResponse: boolean
  #line = 0
  #text = ''
  /** The bytes that `parse` said `done` of, while they are there; the head begins at `#base`. */
  #source: Buffer | undefined = undefined
  #base = 0

  constructor(isResponse: boolean) {
    super()
    this.#isResponse = isResponse
  }

  /** Makes it ready for the next head. */
  reset(): void {
    this.count = 0
    this.seen = 0
    this.keepAll()
    // One by one: it keeps its memory, and need not grow again.
    while (this.added.length > 0) this.added.pop()
    this.#line = 0
    this.#text = ''
    this.#source = undefined
    this.length = 0
    this.fault = undefined
    this.upgrade = undefined
  }

  /** Looks at `bytes[start, end)`; on `fault`, `fault` says why. */
  parse(bytes: Buffer, start: number, end: number, limits: HeadLimits): 'more' | 'done' | 'fault' {
    const stop = Math.min(end, start + limits.maxBytes)
    if (this.#line === 0) {
      const length = this.#isResponse ? this.#statusLine(bytes, start, stop) : this.#requestLine(bytes, start, stop)
      if (length === undefined) return 'fault'
      if (length === 0) return this.#more(end, start, limits)
      this.#line = length
      this.firstLine = length
    }
    for (;;) {
      const next = this.#headerLine(bytes, start, stop)
      if (next === undefined) return 'fault'
      if (next === 0) return this.#more(end, start, limits)
      if (next === this.length) {
        this.#source = bytes
        this.#base = start
        return 'done'
      }
      if (this.count > limits.maxHeaders) return (this.#fail(tooMany), 'fault')
      this.#line = next
    }
  }

  /** Whole head with its empty line, latin1. Valid once `parse` said `done`. */
  get text(): string {
    if (this.#text === '' && this.#source !== undefined) {
      this.#text = this.#source.latin1Slice(this.#base, this.#base + this.length)
    }
    return this.#text
  }

  /** The bytes it was read from, as long as they are there; its offsets count from `base`. */
  get source(): Buffer | undefined {
    return this.#source
  }
  get base(): number {
    return this.#base
  }

  /** The bytes it was read from are about to go; `needed`: it will be looked at again nevertheless. */
  settle(needed: boolean): void {
    if (this.#source === undefined) return
    if (needed && this.#text === '') this.#text = this.text
    this.#source = undefined
  }

  get protocol(): HttpProtocol {
    return this.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0'
  }

  method(): string {
    const { methodEnd } = this
    const isGet = methodEnd === 3 && this.#codeAt(0) === 71 && this.#codeAt(1) === 69 && this.#codeAt(2) === 84
    return isGet ? 'GET' : this.text.slice(0, methodEnd)
  }

  target(): string {
    return this.text.slice(this.targetStart, this.targetEnd)
  }

  override plainTarget(): boolean {
    const source = this.#source
    return source !== undefined && isPlainTarget(source, this.#base + this.targetStart, this.#base + this.targetEnd)
  }

  schemeNamed(): undefined {}

  protocolNamed(): string | undefined {
    return this.upgrade
  }

  reason(): string {
    return this.text.slice(13, this.firstLine - 2)
  }

  /** Value of the header at an index. */
  valueAt(index: number): string {
    return this.text.slice(this.offsets[index * 5 + 2], this.offsets[index * 5 + 3])
  }

  override repeatedValueAt(index: number): string {
    const source = this.#source
    if (source === undefined) return this.valueAt(index)
    const start = this.#base + (this.offsets[index * 5 + 2] as number)
    return recentValues.of(source, start, this.#base + (this.offsets[index * 5 + 3] as number))
  }

  /** Name of the header at an index, lower-case. */
  nameAt(index: number): string {
    return this.text.slice(this.offsets[index * 5], this.offsets[index * 5 + 1]).toLowerCase()
  }

  /** True when the header at an index has this lower-case name. */
  isNamed(index: number, name: string): boolean {
    const start = this.offsets[index * 5] as number
    if ((this.offsets[index * 5 + 1] as number) - start !== name.length) return false
    const { text } = this
    for (let at = 0; at < name.length; at++) {
      const code = text.charCodeAt(start + at)
      const lower = code >= 65 && code <= 90 ? code | 0x20 : code
      if (lower !== name.charCodeAt(at)) return false
    }
    return true
  }

  override isWord(index: number, word: string): boolean {
    const start = this.offsets[index * 5 + 2] as number
    if ((this.offsets[index * 5 + 3] as number) - start !== word.length) return false
    for (let at = 0; at < word.length; at++) {
      const code = this.#codeAt(start + at)
      if ((code >= 65 && code <= 90 ? code | 0x20 : code) !== word.charCodeAt(at)) return false
    }
    return true
  }

  /** Value of the header at an index as a number: digits only, exactly representable; -1 otherwise. */
  numberAt(index: number): number {
    const start = this.offsets[index * 5 + 2] as number
    const end = this.offsets[index * 5 + 3] as number
    if (end === start || end - start > 16) return -1
    let value = 0
    for (let at = start; at < end; at++) {
      const digit = this.#codeAt(at) - 48
      if (digit < 0 || digit > 9) return -1
      value = value * 10 + digit
    }
    return value <= Number.MAX_SAFE_INTEGER ? value : -1
  }

  lines(): string {
    let lines = ''
    this.writeLines({
      text: (text) => void (lines += text),
      field: (name, value) => void (lines += `${name}: ${value}\r\n`),
      line: (name, value) => void (lines += `${name}: ${value}\r\n`),
      range: (bytes, start, end) => void (lines += bytes.latin1Slice(start, end)),
    })
    return lines
  }

  override writeLines(sink: LineSink): void {
    this.#writeFrom(sink, this.firstLine, false)
  }

  /** First line and header lines, without what was dropped and with what was added; `keepsHost`: with the `host` line at its place. */
  writeAsReceived(sink: LineSink, keepsHost: boolean): void {
    this.#writeFrom(sink, 0, keepsHost)
  }

  /** True when the `host` line received says just this. */
  saysHost(authority: string): boolean {
    const index = this.find(HeaderKind.HOST)
    if (index < 0) return false
    const start = this.offsets[index * 5 + 2] as number
    const { length } = authority
    if ((this.offsets[index * 5 + 3] as number) - start !== length) return false
    for (let at = 0; at < length; at++) if (this.#codeAt(start + at) !== authority.charCodeAt(at)) return false
    return true
  }

  #writeFrom(sink: LineSink, first: number, keepsHost: boolean): void {
    const { offsets, count, added, kinds } = this
    let from = first
    for (let at = 0; at < count; at++) {
      if (!this.isDropped(at) || (keepsHost && kinds[at] === HeaderKind.HOST)) continue
      const start = offsets[at * 5] as number
      if (start > from) this.#writePart(sink, from, start)
      from = offsets[at * 5 + 4] as number
    }
    const end = this.length - 2
    if (end > from) this.#writePart(sink, from, end)
    for (let at = 0; at < added.length; at += 2) sink.line(added[at] as string, added[at + 1] as string)
  }

  #writePart(sink: LineSink, start: number, end: number): void {
    if (this.#source === undefined) sink.text(this.#text.slice(start, end))
    else sink.range(this.#source, this.#base + start, this.#base + end)
  }

  #codeAt(at: number): number {
    return this.#source === undefined ? this.#text.charCodeAt(at) : (this.#source[this.#base + at] as number)
  }

  #more(end: number, start: number, limits: HeadLimits): 'more' | 'fault' {
    if (end - start < limits.maxBytes) return 'more'
    this.#fail(tooLarge)
    return 'fault'
  }

  #fail(fault: HeadFault): undefined {
    this.fault = fault
    return undefined
  }

  /** Length of the request line with its CRLF, 0 when it is not complete, undefined on fault. */
  #requestLine(bytes: Buffer, start: number, end: number): number | undefined {
    let at = start
    while (at < end && ((charClass[bytes[at] as number] as number) & TOKEN) !== 0) at++
    if (at - start > maxMethodBytes) return this.#fail(badMethod)
    if (at === end) return 0
    if (at === start || bytes[at] !== SP) return this.#fail(bytes[at] === LF ? bareLf : badMethod)
    this.methodEnd = at - start
    const target = ++at
    while (at < end && ((charClass[bytes[at] as number] as number) & TARGET) !== 0) at++
    if (at === end) return 0
    // HTTP/0.9 has no version.
    if (bytes[at] === CR && at > target) return this.#fail(lowVersion)
    if (at === target || bytes[at] !== SP) return this.#fail(bytes[at] === LF ? bareLf : badTarget)
    this.targetStart = target - start
    this.targetEnd = at - start
    return this.#versionAndEnd(bytes, start, at + 1, end)
  }

  #versionAndEnd(bytes: Buffer, start: number, at: number, end: number): number | undefined {
    if (at < end && bytes[at] === CR) return this.#fail(lowVersion)
    const version = this.#version(bytes, at, end)
    if (version !== 1) return version
    if (end - at < 9) return 0
    if (bytes[at + 8] !== CR) return this.#fail(bytes[at + 8] === LF ? bareLf : badRequestLine)
    if (end - at < 10) return 0
    if (bytes[at + 9] !== LF) return this.#fail(bareCr)
    return at + 10 - start
  }

  /** Reads `HTTP/1.x`; 1 when there, 0 when incomplete. */
  #version(bytes: Buffer, at: number, end: number): 1 | 0 | undefined {
    const wanted = 'HTTP/1.'
    for (let index = 0; index < 7; index++) {
      if (at + index >= end) return 0
      if (bytes[at + index] === wanted.charCodeAt(index)) continue
      return index < 5
        ? this.#fail(this.#isResponse ? badStatusLine : badRequestLine)
        : this.#otherVersion(bytes, at, end)
    }
    if (at + 7 >= end) return 0
    const minor = (bytes[at + 7] as number) - 48
    if (minor !== 0 && minor !== 1) return this.#otherVersion(bytes, at, end)
    this.minor = minor
    return 1
  }

  /** A version that is one, but not ours: 426 says which we speak. */
  #otherVersion(bytes: Buffer, at: number, end: number): 0 | undefined {
    if (this.#isResponse) return this.#fail(badStatusLine)
    if (end - at < 8) return 0
    const preface = this.methodEnd === 3 && bytes[at - 6] === 80 && bytes[at - 5] === 82 && bytes[at - 4] === 73
    const numbers = isDigit(bytes[at + 5]) && bytes[at + 6] === 46 && isDigit(bytes[at + 7])
    return this.#fail(numbers && !preface ? lowVersion : badVersion)
  }

  #statusLine(bytes: Buffer, start: number, end: number): number | undefined {
    const version = this.#version(bytes, start, end)
    if (version !== 1) return version
    let at = start + 8
    if (at >= end) return 0
    if (bytes[at] !== SP) return this.#fail(badStatusLine)
    let status = 0
    for (at = start + 9; at < start + 12; at++) {
      if (at >= end) return 0
      const digit = (bytes[at] as number) - 48
      if (digit < 0 || digit > 9) return this.#fail(badStatusLine)
      status = status * 10 + digit
    }
    if (status < 100 || status > 599) return this.#fail(badStatusLine)
    this.status = status
    if (at >= end) return 0
    if (bytes[at] !== SP && bytes[at] !== CR) return this.#fail(bytes[at] === LF ? bareLf : badStatusLine)
    while (at < end && ((charClass[bytes[at] as number] as number) & VALUE) !== 0) at++
    if (at >= end) return 0
    if (bytes[at] !== CR) return this.#fail(bytes[at] === LF ? bareLf : badStatusLine)
    if (at + 1 >= end) return 0
    return bytes[at + 1] === LF ? at + 2 - start : this.#fail(bareCr)
  }

  /** Length up to the end of the next line, 0 when incomplete; the empty line sets `length`. */
  #headerLine(bytes: Buffer, start: number, end: number): number | undefined {
    const line = start + this.#line
    if (line >= end) return 0
    const first = bytes[line] as number
    if (first === CR) {
      if (line + 1 >= end) return 0
      if (bytes[line + 1] !== LF) return this.#fail(bareCr)
      this.length = this.#line + 2
      return this.length
    }
    let at = line
    while (at < end && ((charClass[bytes[at] as number] as number) & TOKEN) !== 0) at++
    if (at === end) return 0
    if (at === line || bytes[at] !== COLON) return this.#fail(nameFault(first, bytes[at] as number))
    const nameEnd = at++
    while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++
    const value = at
    while (at < end && ((charClass[bytes[at] as number] as number) & VALUE) !== 0) at++
    if (at === end) return 0
    if (bytes[at] !== CR) return this.#fail(bytes[at] === LF ? bareLf : badValue)
    if (at + 1 >= end) return 0
    if (bytes[at + 1] !== LF) return this.#fail(bareCr)
    let valueEnd = at
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) valueEnd--
    this.#add(headerKindOf(bytes, line, nameEnd), line - start, nameEnd - start, value - start, valueEnd - start)
    return (this.offsets[this.count * 5 - 1] = at + 2 - start)
  }

  #add(kind: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const index = this.count++
    if (index * 5 >= this.offsets.length) this.#grow()
    this.kinds[index] = kind
    this.seen |= 1 << kind
    const { offsets } = this
    const at = index * 5
    offsets[at] = nameStart
    offsets[at + 1] = nameEnd
    offsets[at + 2] = valueStart
    offsets[at + 3] = valueEnd
  }

  #grow(): void {
    const larger = new Int32Array(this.offsets.length * 2)
    larger.set(this.offsets)
    this.offsets = larger
  }
}
