// A regular expression as a machine that reads a text letter by letter: several of them at once tell whether any text passes
// some expressions and fails others, which trying texts cannot.
import type { CharSet, Node } from '../regex/syntax.ts'

/** What may come next: a letter of a set, one of several ways, an edge of the text, or the end. */
type State =
  | { readonly kind: 'set'; readonly set: CharSet; readonly next: number }
  | { readonly kind: 'split'; readonly next: number[] }
  | { readonly kind: 'edge'; readonly at: 'start' | 'end'; readonly next: number }
  | { readonly kind: 'end' }

/** The machine. Its first state stands last in the list. */
export interface Automaton {
  readonly states: readonly State[]
  readonly first: number
}

/** Where it may be, in order: states that wait for a letter or for the end. */
export type Places = readonly number[]

/** `x{1,999}{1,999}` has a million states, and nobody waits for them. */
const statesMax = 2000

/** The machine for a whole text; undefined when it is too large. */
export function automatonOf(node: Node): Automaton | undefined {
  const states: State[] = [{ kind: 'end' }]
  const first = build(states, node, 0)
  return first === undefined ? undefined : { states, first }
}

/** Where it is before the first letter. */
export function startOf({ states, first }: Automaton): Places {
  return reached(states, [first], (at) => at === 'start')
}

/** Where it is after a letter; nowhere when no text that begins so can pass. */
export function step({ states }: Automaton, places: Places, code: number): Places {
  const next = places.flatMap((place) => {
    const state = states[place]
    return state?.kind === 'set' && hasCode(state.set, code) ? [state.next] : []
  })
  return reached(states, next, () => false)
}

/** Whether the text may end here. */
export function mayEnd({ states }: Automaton, places: Places, atStart: boolean): boolean {
  return reached(states, places, (at) => at === 'end' || atStart).some((place) => states[place]?.kind === 'end')
}

/** The sets of letters that it tells apart. */
export function setsOf({ states }: Automaton): readonly CharSet[] {
  return states.flatMap((state) => (state.kind === 'set' ? [state.set] : []))
}

function hasCode({ negated, ranges }: CharSet, code: number): boolean {
  return ranges.some(([low, high]) => code >= low && code <= high) !== negated
}

/** Follows what needs no letter. */
function reached(states: readonly State[], from: Places, passes: (at: 'start' | 'end') => boolean): Places {
  const seen = new Set<number>()
  const left = [...from]
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    if (seen.has(place)) continue
    seen.add(place)
    const state = states[place]
    if (state?.kind === 'split') left.push(...state.next)
    else if (state?.kind === 'edge' && passes(state.at)) left.push(state.next)
  }
  return [...seen].filter((place) => states[place]?.kind !== 'split').sort((a, b) => a - b)
}

/** The state in which the rest of the text is the node and then what `next` waits for. */
function build(states: State[], node: Node, next: number): number | undefined {
  const add = (state: State): number | undefined => (states.length < statesMax ? states.push(state) - 1 : undefined)
  switch (node.kind) {
    case 'set':
      return add({ kind: 'set', set: node.set, next })
    case 'edge':
      return add({ kind: 'edge', at: node.at, next })
    case 'sequence':
      return node.parts.reduceRight<number | undefined>(
        (after, part) => (after === undefined ? undefined : build(states, part, after)),
        next,
      )
    case 'either': {
      const ways = node.options.map((option) => build(states, option, next)).filter((way) => way !== undefined)
      return ways.length < node.options.length ? undefined : add({ kind: 'split', next: ways })
    }
    case 'repeat':
      return repeated(states, node, next)
  }
}

function repeated(
  states: State[],
  { of, min, max }: Extract<Node, { kind: 'repeat' }>,
  next: number,
): number | undefined {
  const fork: State = { kind: 'split', next: [next] }
  let entry: number | undefined = next
  if (max === Number.POSITIVE_INFINITY) {
    entry = states.push(fork) - 1
    const again = build(states, of, entry)
    if (again === undefined) return undefined
    fork.next.push(again)
  }
  for (let left = max; max !== Number.POSITIVE_INFINITY && left > min; left--) {
    const once: number | undefined = entry === undefined ? undefined : build(states, of, entry)
    if (once === undefined) return undefined
    entry = states.push({ kind: 'split', next: [once, next] }) - 1
  }
  for (let left = min; left > 0 && entry !== undefined; left--) entry = build(states, of, entry)
  return entry
}
