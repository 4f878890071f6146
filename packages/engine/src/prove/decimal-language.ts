// Whole numbers of a range as a regular expression over their digits.
import type { Node } from '../regex/syntax.ts'

/** Numbers in [start, end) as they may be written: with a sign, with zeros in front. Undefined beyond exact numbers. */
export function decimalLanguage(start: number, end: number): Node | undefined {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) return undefined
  const options: Node[] = []
  if (end > 0 && end > start) options.push(signed('+', Math.max(start, 0), end - 1, false))
  // A negative zero is a zero.
  if (start <= 0 && end > start) options.push(signed('-', end > 0 ? 0 : 1 - end, -start, true))
  return { kind: 'either', options }
}

function signed(sign: string, low: number, high: number, must: boolean): Node {
  const zeros: Node = { kind: 'repeat', of: digits('0', '0'), min: 0, max: Number.POSITIVE_INFINITY }
  const mark: Node = { kind: 'repeat', of: letter(sign), min: must ? 1 : 0, max: 1 }
  return { kind: 'sequence', parts: [mark, zeros, { kind: 'either', options: between(low, high) }] }
}

/** By number of digits, since zeros in front are spoken for. */
function between(low: number, high: number): Node[] {
  const options: Node[] = []
  for (let length = String(low).length; length <= String(high).length; length++) {
    const from = Math.max(low, length === 1 ? 0 : 10 ** (length - 1))
    options.push(sameLength(String(from), String(Math.min(high, 10 ** length - 1))))
  }
  return options
}

function sameLength(low: string, high: string): Node {
  if (low === '') return { kind: 'sequence', parts: [] }
  const [a, b] = [low[0] as string, high[0] as string]
  const [restLow, restHigh] = [low.slice(1), high.slice(1)]
  const after = (first: Node, rest: Node): Node => ({ kind: 'sequence', parts: [first, rest] })
  if (a === b) return after(digits(a, a), sameLength(restLow, restHigh))
  const [next, previous] = [String(Number(a) + 1), String(Number(b) - 1)]
  const options = [
    after(digits(a, a), sameLength(restLow, '9'.repeat(restLow.length))),
    after(digits(b, b), sameLength('0'.repeat(restHigh.length), restHigh)),
  ]
  if (next <= previous) {
    const any: Node = { kind: 'repeat', of: digits('0', '9'), min: restLow.length, max: restLow.length }
    options.push(after(digits(next, previous), any))
  }
  return { kind: 'either', options }
}

function digits(low: string, high: string): Node {
  return { kind: 'set', set: { negated: false, ranges: [[low.charCodeAt(0), high.charCodeAt(0)]] } }
}

function letter(one: string): Node {
  return digits(one, one)
}
