// An automaton whose sets of places are numbered as they are met, so that reading a letter twice costs one look-up.
import type { Node } from '../regex/syntax.ts'
import { type Automaton, automatonOf, mayEnd, type Places, startOf, step } from './automaton.ts'

/** Reads letters; its places are numbers. */
export interface LetterMachine {
  readonly automaton: Automaton
  /** Before the first letter. */
  readonly start: number
  /** The place after a letter. */
  next(place: number, code: number): number
  /** Whether the text may end there. */
  passes(place: number): boolean
  /** Nothing that follows can pass. */
  isDead(place: number): boolean
}

const made = new WeakMap<Node, LetterMachine | 'too large'>()

/** The machine of an expression, made once; undefined when it is too large. */
export function letterMachine(node: Node): LetterMachine | undefined {
  const known = made.get(node)
  if (known !== undefined) return known === 'too large' ? undefined : known
  const automaton = automatonOf(node)
  const machine = automaton === undefined ? undefined : machineOf(automaton)
  made.set(node, machine ?? 'too large')
  return machine
}

interface Place {
  readonly at: Places
  /** Undefined: not asked yet. */
  passes: boolean | undefined
  readonly after: Map<number, number>
}

function machineOf(automaton: Automaton): LetterMachine {
  const places: Place[] = []
  const numbers = new Map<string, number>()
  const numbered = (at: Places, isStart = false): number => {
    // At the start of the text other edges pass.
    const key = `${isStart} ${at.join(',')}`
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, places.length)
    return places.push({ at, passes: undefined, after: new Map() }) - 1
  }
  const start = numbered(startOf(automaton), true)
  const place = (number: number): Place => places[number] as Place
  return {
    automaton,
    start,
    next(number, code) {
      const { at, after } = place(number)
      const known = after.get(code) ?? numbered(step(automaton, at, code))
      after.set(code, known)
      return known
    },
    passes(number) {
      const one = place(number)
      one.passes ??= mayEnd(automaton, one.at, number === start)
      return one.passes
    },
    isDead: (number) => place(number).at.length === 0,
  }
}
