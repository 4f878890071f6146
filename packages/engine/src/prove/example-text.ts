// Texts that pass, or fail, a condition: what a counterfactual may put in place of what was seen.
import type { ValueTest } from '../predicate.ts'
import { type CharSet, type Node, parsePlain } from '../regex/syntax.ts'

/** Values that may pass (or fail, when `holds` is false); undefined means: remove. Callers check each one. */
export function candidateValues(
  test: ValueTest,
  seen: string | undefined,
  holds: boolean,
): readonly (string | undefined)[] {
  return holds ? passing(test, seen) : failing(test, seen)
}

function passing(test: ValueTest, seen: string | undefined): readonly (string | undefined)[] {
  const values = passingAsWritten(test, seen)
  if (!('ignoreCase' in test) || !test.ignoreCase) return values
  // An earlier rule may look at the case of letters where this test does not.
  return [
    ...new Set([...values, ...values.map((text) => text?.toUpperCase()), ...values.map((text) => text?.toLowerCase())]),
  ]
}

function passingAsWritten(test: ValueTest, seen: string | undefined): readonly (string | undefined)[] {
  switch (test.is) {
    case 'exact':
      return [test.value]
    case 'prefix':
      return [test.value, `${test.value}x`, `${test.value}/x`, test.value + (seen ?? '').replace(/^\//, '')]
    case 'path-prefix':
      return [test.value, `${test.value}/x`]
    case 'suffix':
      return [(seen ?? '') + test.value, test.value, `/${test.value}`, `x${test.value}`, `/x${test.value}`]
    case 'contains':
      return [(seen ?? '') + test.value, test.value, `/${test.value}`, `x${test.value}x`]
    case 'regex':
      return [
        ...new Set(
          [test.regex.source, withLiteralDots(test.regex.source)].flatMap((source) => [
            ...inEitherCase(source),
            ...aroundSeen(source, seen),
          ]),
        ),
      ]
    case 'present':
      return ['x', '/']
    case 'absent':
      return [undefined]
    case 'range':
      return [String(test.start), String(test.end - 1)]
    case 'cidr':
      return [test.cidr.text.split('/')[0]]
    case 'fraction':
      return ['0']
    case 'json':
    case 'list':
      return []
  }
}

function failing(test: ValueTest, seen: string | undefined): readonly (string | undefined)[] {
  switch (test.is) {
    case 'present':
      return [undefined]
    case 'absent':
      return ['x']
    case 'range':
      return [String(test.end), String(test.start - 1), undefined]
    case 'cidr':
      return ['192.0.2.1', '198.51.100.1', '2001:db8::1']
    case 'fraction':
      return [String(test.numerator)]
    case 'json':
    case 'list':
      return []
    case 'regex':
      return [...unlike(seen), ...oddities, ...oddities.map((text) => `/${text}`)]
    default:
      return unlike(seen)
  }
}

/** Texts that expressions leave out: other kinds of letters, separators, nothing at all. */
const oddities = ['', '1', 'X', 'x,x', 'x x', 'x/x', '!', '~', '\u00ff'] as const

function unlike(seen: string | undefined): readonly (string | undefined)[] {
  // What was seen stays at one end or the other: another condition may ask for it.
  return [undefined, `${seen ?? ''}x`, `${seen ?? ''}/x`, `/x${seen ?? ''}`, 'x', '/x', 'GET', 'POST', 'http', 'https']
}

/** Who writes a host name often means the dots in it. */
function withLiteralDots(source: string): string {
  return source.replace(/(?<!\\)\.(?![*+?{])/g, '\\.')
}

/** What was seen in place of the first `.*`, so that what another condition asks of it still holds. */
function aroundSeen(source: string, seen: string | undefined): readonly string[] {
  const at = source.indexOf('.*')
  if (at < 0 || seen === undefined) return []
  const [before, after] = [source.slice(0, at), source.slice(at + 2)].map((part) => regexExamples(part))
  return (before ?? []).flatMap((head) => (after ?? []).map((tail) => head + seen + tail))
}

/** An earlier rule may look at the case of letters where this expression does not. */
function inEitherCase(source: string): readonly string[] {
  const examples = regexExamples(source)
  if (!/^\(\?s?i/.test(source)) return examples
  return [...new Set([...examples, ...examples.map((text) => text.toUpperCase())])]
}

/** A few texts that match a plain expression; the shortest first. */
export function regexExamples(source: string): readonly string[] {
  const node = parsePlain(source.replace(/^\(\?[is]+\)/, ''))
  if (node === undefined) return []
  return [...new Set([example(node, 0), example(node, 1), example(node, 2)])]
}

/** `variant` chooses another branch, or one repetition more. */
function example(node: Node, variant: number): string {
  switch (node.kind) {
    case 'edge':
      return ''
    case 'set':
      return String.fromCharCode(memberOf(node.set))
    case 'sequence':
      return node.parts.map((part) => example(part, variant)).join('')
    case 'either':
      return example(node.options[variant % node.options.length] as Node, variant)
    case 'repeat':
      return example(node.of, variant).repeat(Math.min(node.min + variant, node.max))
  }
}

/** A printable member, letters first. */
function memberOf(set: CharSet): number {
  const has = (code: number) => set.ranges.some(([low, high]) => code >= low && code <= high) !== set.negated
  for (const text of ['x', 'a', '1', 'A', '-', '_', '/']) if (has(text.charCodeAt(0))) return text.charCodeAt(0)
  for (let code = 33; code < 127; code++) if (has(code)) return code
  return set.ranges[0]?.[0] ?? 120
}
