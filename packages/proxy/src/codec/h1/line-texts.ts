import { Buffer } from 'node:buffer'

/** More names than any configuration adds; beyond them all is forgotten. */
const mostNames = 512

/** Header lines of one name as bytes. */
class LineText {
  /** Name, colon and space. */
  readonly prefix: Buffer
  #value: string | undefined = undefined
  #line: Buffer
  #before: string | undefined = undefined

  constructor(name: string) {
    this.prefix = Buffer.from(`${name}: `, 'latin1')
    this.#line = this.prefix
  }

  /** The line with this value, when it is the one that was asked for lately. One that is asked for twice in a row is kept. */
  lineOf(value: string): Buffer | undefined {
    if (value === this.#value) return this.#line
    if (value !== this.#before) {
      this.#before = value
      return undefined
    }
    this.#value = value
    this.#line = Buffer.from(`${this.prefix.latin1Slice(0, this.prefix.length)}${value}\r\n`, 'latin1')
    return this.#line
  }
}

/** What the proxy adds to heads is mostly the same line again: it is kept as bytes. */
export class LineTexts {
  readonly #byName = new Map<string, LineText>()

  of(name: string): LineText {
    return this.#byName.get(name) ?? this.#make(name)
  }

  #make(name: string): LineText {
    if (this.#byName.size >= mostNames) this.#byName.clear()
    const made = new LineText(name)
    this.#byName.set(name, made)
    return made
  }
}
