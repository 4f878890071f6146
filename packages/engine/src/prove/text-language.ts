// Conditions on a text as regular expressions, so that they can be asked together.
import type { ValueTest } from '../predicate.ts'
import { type CharSet, type Node, parsePlain } from '../regex/syntax.ts'
import { decimalLanguage } from './decimal-language.ts'

const anyLetter: Node = { kind: 'set', set: { negated: true, ranges: [] } }
/** Any text at all. */
export const anyText: Node = { kind: 'repeat', of: anyLetter, min: 0, max: Number.POSITIVE_INFINITY }
const noText: Node = { kind: 'set', set: { negated: false, ranges: [] } }

/** The texts that pass; undefined where that is no plain expression. */
export function textLanguage(test: ValueTest): Node | undefined {
  switch (test.is) {
    case 'exact':
      return lettersOf(test)
    case 'prefix':
      return inOrder(lettersOf(test), anyText)
    case 'suffix':
      return inOrder(anyText, lettersOf(test))
    case 'contains':
      return inOrder(anyText, lettersOf(test), anyText)
    case 'path-prefix': {
      const below = inOrder(lettersOf({ value: '/', ignoreCase: false }), anyText)
      return inOrder(lettersOf(test), { kind: 'either', options: [inOrder(), below] })
    }
    case 'regex':
      return plainLanguage(test.regex.source)
    case 'present':
      return anyText
    case 'absent':
      return noText
    case 'range':
      return decimalLanguage(test.start, test.end)
    default:
      return undefined
  }
}

/**
 * An expression with no flags, or with those in front that say which letters are equal (`i`) and that a point is a line's end, too (`s`),
 * which is in no value that can be received.
 */
export function plainLanguage(source: string): Node | undefined {
  const flags = /^\(\?([is]+)\)/.exec(source)
  const node = parsePlain(source.slice(flags?.[0].length ?? 0))
  return node === undefined || flags?.[1]?.includes('i') !== true ? node : inAnyCase(node)
}

/** One after the other. */
export function inOrder(...parts: readonly Node[]): Node {
  return { kind: 'sequence', parts }
}

/** Just this text. */
export function lettersOf({ value, ignoreCase }: { readonly value: string; readonly ignoreCase: boolean }): Node {
  const letters = Array.from({ length: value.length }, (_, at): Node => {
    const code = value.charCodeAt(at)
    return { kind: 'set', set: { negated: false, ranges: [[code, code]] } }
  })
  const whole = inOrder(...letters)
  return ignoreCase ? inAnyCase(whole) : whole
}

function inAnyCase(node: Node): Node {
  switch (node.kind) {
    case 'set':
      return { kind: 'set', set: foldedSet(node.set) }
    case 'sequence':
      return { kind: 'sequence', parts: node.parts.map(inAnyCase) }
    case 'either':
      return { kind: 'either', options: node.options.map(inAnyCase) }
    case 'repeat':
      return { ...node, of: inAnyCase(node.of) }
    case 'edge':
      return node
  }
}

/** With the other case of each ASCII letter. */
function foldedSet({ negated, ranges }: CharSet): CharSet {
  const other = (first: number, by: number): (readonly [number, number])[] =>
    ranges.flatMap(([low, high]) => {
      const [from, to] = [Math.max(low, first), Math.min(high, first + 25)]
      return from > to ? [] : [[from + by, to + by] as const]
    })
  return { negated, ranges: [...ranges, ...other(65, 32), ...other(97, -32)] }
}
