// Conditions on a part of the path as conditions on the whole of it, query included, so that they can be asked together.
import type { Node } from '../regex/syntax.ts'
import { anyText, inOrder, lettersOf } from './text-language.ts'

/** Whole paths whose part before the query is of the language; undefined where that cannot be said. */
export function pathsWithPath(language: Node): Node | undefined {
  const path = withoutLetters(language, '?')
  return path === undefined ? undefined : inOrder(path, maybe(inOrder(letter('?'), anyText)))
}

/** Whole paths whose query is of the language. */
export function pathsWithQuery(language: Node): Node | undefined {
  const query = withoutLetters(language, '')
  return query === undefined ? undefined : inOrder(without('?'), letter('?'), query)
}

/** Whole paths that have no query. */
export const pathsWithoutQuery: Node = without('?')

/** Whole paths in whose query the first parameter of the name has a value of the language; `bare`: the name alone, too. */
export function pathsWithParameter(key: string, language: Node, bare: boolean): Node | undefined {
  const value = withoutLetters(language, '&')
  if (value === undefined) return undefined
  const name = text(key)
  const named = inOrder(name, letter('='), value)
  const rest = maybe(inOrder(letter('&'), anyText))
  const other: Node = {
    kind: 'repeat',
    of: inOrder(otherPair(key), letter('&')),
    min: 0,
    max: Number.POSITIVE_INFINITY,
  }
  const first: Node = bare ? { kind: 'either', options: [named, name] } : named
  return inOrder(without('?'), letter('?'), other, first, rest)
}

/** Whole paths in whose query there is no parameter of the name. */
export function pathsWithoutParameter(key: string): Node {
  const other = otherPair(key)
  const more: Node = { kind: 'repeat', of: inOrder(letter('&'), other), min: 0, max: Number.POSITIVE_INFINITY }
  return inOrder(without('?'), maybe(inOrder(letter('?'), other, more)))
}

/** A parameter of another name: it stops before the name ends, leaves it on the way, or goes on behind it. */
function otherPair(key: string): Node {
  const ways = Array.from(key, (one, at) => {
    const begin = text(key.slice(0, at))
    return [begin, inOrder(begin, anyBut(`&${one}`), without('&'))]
  })
  return { kind: 'either', options: [...ways.flat(), inOrder(text(key), anyBut('&='), without('&'))] }
}

/**
 * The texts of a language without the letter at which a part ends, so that other text may stand around them; undefined where the
 * language asks for an edge of the text in other places than its own edges.
 */
export function withoutLetters(node: Node, end: string): Node | undefined {
  const bare = withoutOuterEdges(node)
  if (hasEdge(bare)) return undefined
  return end === '' ? bare : withoutLetter(bare, end.charCodeAt(0))
}

function withoutOuterEdges(node: Node): Node {
  if (node.kind === 'either') return { kind: 'either', options: node.options.map(withoutOuterEdges) }
  if (node.kind !== 'sequence') return node
  const first = node.parts.findIndex((part) => part.kind !== 'edge' || part.at !== 'start')
  const last = node.parts.findLastIndex((part) => part.kind !== 'edge' || part.at !== 'end')
  return { kind: 'sequence', parts: node.parts.slice(Math.max(first, 0), last + 1) }
}

function hasEdge(node: Node): boolean {
  switch (node.kind) {
    case 'edge':
      return true
    case 'set':
      return false
    case 'sequence':
      return node.parts.some(hasEdge)
    case 'either':
      return node.options.some(hasEdge)
    case 'repeat':
      return hasEdge(node.of)
  }
}

function withoutLetter(node: Node, code: number): Node {
  switch (node.kind) {
    case 'edge':
      return node
    case 'set': {
      const { negated, ranges } = node.set
      if (negated) return { kind: 'set', set: { negated, ranges: [...ranges, [code, code]] } }
      const parts = ranges.flatMap(([low, high]): (readonly [number, number])[] =>
        code < low || code > high
          ? [[low, high]]
          : [
              [low, code - 1],
              [code + 1, high],
            ],
      )
      return { kind: 'set', set: { negated, ranges: parts.filter(([low, high]) => low <= high) } }
    }
    case 'sequence':
      return { kind: 'sequence', parts: node.parts.map((part) => withoutLetter(part, code)) }
    case 'either':
      return { kind: 'either', options: node.options.map((option) => withoutLetter(option, code)) }
    case 'repeat':
      return { ...node, of: withoutLetter(node.of, code) }
  }
}

function text(value: string): Node {
  return lettersOf({ value, ignoreCase: false })
}

function letter(one: string): Node {
  return text(one)
}

function maybe(of: Node): Node {
  return { kind: 'repeat', of, min: 0, max: 1 }
}

function anyBut(letters: string): Node {
  const ranges = Array.from(letters, (one): readonly [number, number] => [one.charCodeAt(0), one.charCodeAt(0)])
  return { kind: 'set', set: { negated: true, ranges } }
}

function without(letters: string): Node {
  return { kind: 'repeat', of: anyBut(letters), min: 0, max: Number.POSITIVE_INFINITY }
}
