// The plain part of RE2's syntax as a tree: enough to run most patterns on the native engine and to find example texts.
// Whatever is not plain (Unicode classes, named groups, flags, word boundaries, ...) is left to re2js.

/** A set of characters: the ranges, or everything but them. */
export interface CharSet {
  readonly negated: boolean
  readonly ranges: readonly (readonly [number, number])[]
}

/** A regular expression of plain parts. */
export type Node =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'edge'; readonly at: 'start' | 'end' }

/** Parses; undefined when the pattern has a part that is not plain (or is malformed). */
export function parsePlain(source: string): Node | undefined {
  const parser = new Parser(source)
  try {
    const node = parser.either()
    return parser.done() ? node : undefined
  } catch (error) {
    if (error === notPlain) return undefined
    throw error
  }
}

const notPlain = new Error('not plain')

const classes: Readonly<Record<string, CharSet>> = {
  d: { negated: false, ranges: [[48, 57]] },
  D: { negated: true, ranges: [[48, 57]] },
  w: {
    negated: false,
    ranges: [
      [48, 57],
      [65, 90],
      [95, 95],
      [97, 122],
    ],
  }, // prettier-ignore
  W: {
    negated: true,
    ranges: [
      [48, 57],
      [65, 90],
      [95, 95],
      [97, 122],
    ],
  }, // prettier-ignore
  s: {
    negated: false,
    ranges: [
      [9, 10],
      [12, 13],
      [32, 32],
    ],
  }, // prettier-ignore
  S: {
    negated: true,
    ranges: [
      [9, 10],
      [12, 13],
      [32, 32],
    ],
  }, // prettier-ignore
}
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, v: 11, a: 7 }
const punctuation = /[!-/:-@[-`{-~]/

class Parser {
  private at = 0
  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  done(): boolean {
    return this.at === this.source.length
  }

  either(): Node {
    const options = [this.sequence()]
    while (this.take('|')) options.push(this.sequence())
    return options.length === 1 ? (options[0] as Node) : { kind: 'either', options }
  }

  private sequence(): Node {
    const parts: Node[] = []
    while (!this.done() && this.peek() !== '|' && this.peek() !== ')') parts.push(this.repeated())
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'sequence', parts }
  }

  private repeated(): Node {
    let node = this.atom()
    const count = this.quantifier()
    if (count !== undefined) {
      node = { kind: 'repeat', of: node, min: count[0], max: count[1] }
      this.take('?') // laziness does not change what matches as a whole
      if (this.quantifier() !== undefined) throw notPlain
    }
    return node
  }

  private quantifier(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.take('?')) return [0, 1]
    const match = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.source.slice(this.at))
    if (match === null) return this.peek() === '{' ? fail() : undefined
    this.at += match[0].length
    const min = Number(match[1])
    const max = match[2] === '' ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    return max < min ? fail() : [min, max]
  }

  private atom(): Node {
    if (this.take('(')) return this.group()
    if (this.take('[')) return { kind: 'set', set: this.charClass() }
    if (this.take('.')) return { kind: 'set', set: { negated: true, ranges: [[10, 10]] } }
    if (this.take('^')) return { kind: 'edge', at: 'start' }
    if (this.take('$')) return { kind: 'edge', at: 'end' }
    if (this.take('\\')) return { kind: 'set', set: this.escape() }
    const char = this.peek()
    if (char === undefined || '*+?{)'.includes(char) || char > '~') throw notPlain
    this.at++
    return { kind: 'set', set: one(char.charCodeAt(0)) }
  }

  private group(): Node {
    if (this.take('?')) {
      if (!this.take(':')) throw notPlain
    }
    const inner = this.either()
    if (!this.take(')')) throw notPlain
    return inner
  }

  private escape(): CharSet {
    const char = this.peek()
    if (char === undefined) throw notPlain
    this.at++
    const named = classes[char]
    if (named !== undefined) return named
    const control = controls[char]
    if (control !== undefined) return one(control)
    if (punctuation.test(char)) return one(char.charCodeAt(0))
    throw notPlain
  }

  private charClass(): CharSet {
    const negated = this.take('^')
    const ranges: (readonly [number, number])[] = []
    let first = true
    while (first || this.peek() !== ']') {
      first = false
      const low = this.classItem()
      if (Array.isArray(low)) {
        ranges.push(...(low as (readonly [number, number])[]))
        continue
      }
      let high = low as number
      if (this.peek() === '-' && this.source[this.at + 1] !== ']') {
        this.at++
        const item = this.classItem()
        if (Array.isArray(item)) throw notPlain
        high = item as number
      }
      if (high < (low as number)) throw notPlain
      ranges.push([low as number, high])
    }
    this.at++
    return { negated, ranges }
  }

  private classItem(): number | readonly (readonly [number, number])[] {
    const char = this.peek()
    if (char === undefined || char > '~' || (char === '[' && this.source[this.at + 1] === ':')) throw notPlain
    if (char !== '\\') {
      this.at++
      return char.charCodeAt(0)
    }
    this.at++
    const set = this.escape()
    if (set.negated) throw notPlain
    const only = set.ranges[0] as readonly [number, number]
    return set.ranges.length === 1 && only[0] === only[1] ? only[0] : set.ranges
  }

  private peek(): string | undefined {
    return this.source[this.at]
  }

  private take(char: string): boolean {
    if (this.source[this.at] !== char) return false
    this.at++
    return true
  }
}

function one(code: number): CharSet {
  return { negated: false, ranges: [[code, code]] }
}

function fail(): never {
  throw notPlain
}
