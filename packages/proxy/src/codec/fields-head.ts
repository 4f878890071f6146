import { isPlainText } from './h1/char-table.ts'
import { kindOfName } from './header-kind.ts'
import { type HttpProtocol, type LineSink, MessageHead } from './message-head.ts'

/** A head kept as names and values: what HPACK decodes into, and what answers of our own are made of. */
export class FieldsHead extends MessageHead {
  readonly protocol: HttpProtocol
  /** Pseudo headers of a request. */
  methodText = ''
  path = ''
  scheme: string | undefined = undefined
  connectProtocol: string | undefined = undefined
  /** Reason phrase of an answer of our own. */
  reasonText = ''
  readonly #names: string[] = []
  readonly #values: string[] = []

  constructor(protocol: HttpProtocol = 'HTTP/2') {
    super()
    this.protocol = protocol
  }

  /** Appends a header line; `name` is lower-case. */
  push(name: string, value: string, kind: number = kindOfName(name)): void {
    this.count++
    this.kinds.push(kind)
    this.seen |= 1 << kind
    this.#names.push(name)
    this.#values.push(value)
  }

  /** Appends to the value of a line. */
  extend(index: number, more: string): void {
    this.#values[index] = `${this.#values[index]}${more}`
  }

  /** Lines of this name are passed on as never-indexed literals. */
  keepUnindexed(name: string): void {
    if (this.unindexed === undefined) this.unindexed = [name]
    else if (!this.unindexed.includes(name)) this.unindexed.push(name)
  }

  method(): string {
    return this.methodText
  }
  target(): string {
    return this.path
  }
  override plainTarget(): boolean {
    return isPlainText(this.path)
  }
  schemeNamed(): string | undefined {
    return this.scheme
  }
  protocolNamed(): string | undefined {
    return this.connectProtocol
  }
  reason(): string {
    return this.reasonText
  }
  nameAt(index: number): string {
    return this.#names[index] as string
  }
  valueAt(index: number): string {
    return this.#values[index] as string
  }
  isNamed(index: number, name: string): boolean {
    return this.#names[index] === name
  }

  lines(): string {
    let lines = ''
    for (let at = 0; at < this.count; at++) {
      if (!this.isDropped(at)) lines += `${this.#names[at]}: ${this.#values[at]}\r\n`
    }
    const { added } = this
    for (let at = 0; at < added.length; at += 2) lines += `${added[at]}: ${added[at + 1]}\r\n`
    return lines
  }

  override writeLines(sink: LineSink): void {
    const { count, added } = this
    for (let at = 0; at < count; at++) {
      if (!this.isDropped(at)) sink.field(this.#names[at] as string, this.#values[at] as string)
    }
    for (let at = 0; at < added.length; at += 2) sink.line(added[at] as string, added[at + 1] as string)
  }
}
