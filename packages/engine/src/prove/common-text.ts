// A text that passes some conditions and fails others: the shortest there is, or the certainty that there is none.
import type { Node } from '../regex/syntax.ts'
import { setsOf } from './automaton.ts'
import { letterMachine, type LetterMachine } from './letter-machine.ts'

/** `none`: proved. `unknown`: there were too many to look at. */
export type CommonText = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'none' | 'unknown' }

/** Places of all machines together that are looked at for one text. */
const placesMax = 4000

/** How much may still be looked at for all texts of one question. */
export interface ProofBudget {
  /** Places. */
  left: number
}

/** What texts have to be, and must not be. */
export interface Languages {
  readonly wanted: readonly Node[]
  readonly unwanted: readonly Node[]
}

/** Looks for it, short ones first. */
export function commonText({ wanted, unwanted }: Languages, budget: ProofBudget = { left: placesMax }): CommonText {
  const all = [...wanted, ...unwanted].map(letterMachine).filter((one) => one !== undefined)
  if (all.length < wanted.length + unwanted.length) return { kind: 'unknown' }
  const letters = lettersOf(all)
  const isWanted = (index: number): boolean => index < wanted.length
  const start = { text: '', places: all.map((one) => one.start) }
  const queue = [start]
  const seen = new Set([start.places.join()])
  const most = Math.min(placesMax, budget.left)
  for (const { text, places } of queue) {
    budget.left--
    if (all.every((one, index) => one.passes(places[index] as number) === isWanted(index)))
      return { kind: 'text', text }
    for (const code of letters) {
      const next = all.map((one, index) => one.next(places[index] as number, code))
      const key = next.join()
      if (seen.has(key) || next.some((place, index) => isWanted(index) && all[index]?.isDead(place) === true)) continue
      seen.add(key)
      queue.push({ text: text + String.fromCharCode(code), places: next })
    }
    if (queue.length > most) return { kind: 'unknown' }
  }
  return { kind: 'none' }
}

const beyond = 0x10000

/** One letter of every kind that any of the machines tells apart from others. */
function lettersOf(all: readonly LetterMachine[]): readonly number[] {
  const borders = new Set([0, beyond])
  for (const { ranges } of all.flatMap(({ automaton }) => setsOf(automaton)))
    for (const [low, high] of ranges) borders.add(low).add(high + 1)
  const sorted = [...borders].filter((code) => code <= beyond).sort((a, b) => a - b)
  const codes = sorted.slice(0, -1).map((low, index) => plainestIn(low, (sorted[index + 1] ?? beyond) - 1))
  return codes.sort((a, b) => oddity(a) - oddity(b) || a - b)
}

/** Of texts of one length, the one that looks most like a word. */
function oddity(code: number): number {
  if (code >= 97 && code <= 122) return 0
  if (code >= 48 && code <= 57) return 1
  return code >= 65 && code <= 90 ? 2 : 3
}

function plainestIn(low: number, high: number): number {
  for (const letter of 'xaA1-_/') {
    const code = letter.charCodeAt(0)
    if (code >= low && code <= high) return code
  }
  return low < 33 && high >= 33 ? 33 : low
}
