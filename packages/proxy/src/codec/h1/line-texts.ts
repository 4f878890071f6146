import { Buffer } from 'node:buffer'

/** More names than any configuration adds; beyond them all is forgotten. */
const mostNames = 512

/** Header lines of one name as bytes. */
class LineText {
  readonly name: string
  /** Name, colon and space. */
  readonly prefix: Buffer
  /** Of the line that followed last time. */
  next: LineText | undefined = undefined
  #value: string | undefined = undefined
  #line: Buffer
  #before: string | undefined = undefined

  constructor(name: string) {
    this.name = name
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
  #last = new LineText('')

  of(name: string): LineText {
    // Lines mostly follow each other as they did before: then nothing is looked up.
    const next = this.#last.next
    if (next?.name === name) return (this.#last = next)
    const found = this.#byName.get(name) ?? this.#make(name)
    this.#last.next = found
    return (this.#last = found)
  }

  #make(name: string): LineText {
    if (this.#byName.size >= mostNames) {
      this.#byName.clear()
      this.#last = new LineText('')
    }
    const made = new LineText(name)
    this.#byName.set(name, made)
    return made
  }
}
