// What a program says that is started again and again: the same output is printed once, and no line that is new is ever left out.

/** Lines of one start that later ones are compared with, for each stream. */
const mostLines = 1000

type Stream = 'out' | 'err'
type Lines = Readonly<Record<Stream, string[]>>

/** Prints the lines of a program over its starts. */
export class RepeatedOutput {
  readonly #print: (line: string) => void
  /** Of the last start that was printed; undefined when nothing is held back. */
  #printed: Lines | undefined
  /** Of this start; undefined once it lives: what it says then is nothing that a start says. */
  #now: Lines | undefined
  /** Lines that were printed before, until this start says something else. */
  #held: string[] = []
  #isOther = true

  /** `print` gets the lines that are told, in their order. */
  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** Whether this start has said nothing but what another one said that ended as well. */
  get isSame(): boolean {
    return !this.#isOther
  }

  /** The program is started; lines of the last start that are held back were printed once. */
  begin(): void {
    if (this.#isOther) this.#printed = this.#now
    this.#now = { out: [], err: [] }
    this.#held = []
    this.#isOther = this.#printed === undefined
  }

  /** It lives: everything is told from now on, and what it says at its next start, too. */
  settle(): void {
    this.#tellAll()
    this.#now = undefined
  }

  line(text: string, stream: Stream): void {
    const own = this.#now?.[stream] ?? []
    const before = this.#printed?.[stream][own.length]
    if (own.length < mostLines) own.push(text)
    if (this.#isOther) this.#print(text)
    else {
      this.#held.push(text)
      if (before === undefined || !sameButNumbers(before, text)) this.#tellAll()
    }
  }

  #tellAll(): void {
    for (const line of this.#held) this.#print(line)
    this.#held = []
    this.#isOther = true
  }
}

/** Times and process ids differ at each start. */
function sameButNumbers(a: string, b: string): boolean {
  return a === b || a.replace(/\d+/g, '0') === b.replace(/\d+/g, '0')
}
