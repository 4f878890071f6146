// A text that passes some conditions and fails others: the shortest there is, or the certainty that there is none.
import type { Node } from '../regex/syntax.ts'
import { type Automaton, automatonOf, mayEnd, type Places, setsOf, startOf, step } from './automaton.ts'

/** `none`: proved. `unknown`: there were too many to look at. */
export type CommonText = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'none' | 'unknown' }

const statesMax = 1500

/** What texts have to be, and must not be. */
export interface Languages {
  readonly wanted: readonly Node[]
  readonly unwanted: readonly Node[]
}

/** Looks for it, short ones first. */
export function commonText({ wanted, unwanted }: Languages): CommonText {
  const all = [...wanted, ...unwanted].map(automatonOf).filter((one) => one !== undefined)
  if (all.length < wanted.length + unwanted.length) return { kind: 'unknown' }
  const letters = lettersOf(all)
  const isWanted = (index: number): boolean => index < wanted.length
  const start = { text: '', places: all.map(startOf) }
  const queue = [start]
  const seen = new Set([keyOf(start.places)])
  for (const { text, places } of queue) {
    const passes = all.every((one, index) => mayEnd(one, places[index] ?? [], text === '') === isWanted(index))
    if (passes) return { kind: 'text', text }
    for (const code of letters) {
      const next = all.map((one, index) => step(one, places[index] ?? [], code))
      const key = keyOf(next)
      if (seen.has(key) || next.some((one, index) => isWanted(index) && one.length === 0)) continue
      seen.add(key)
      queue.push({ text: text + String.fromCharCode(code), places: next })
    }
    if (queue.length > statesMax) return { kind: 'unknown' }
  }
  return { kind: 'none' }
}

function keyOf(places: readonly Places[]): string {
  return places.map((one) => one.join(',')).join(';')
}

const beyond = 0x10000

/** One letter of every kind that any of the machines tells apart from others. */
function lettersOf(all: readonly Automaton[]): readonly number[] {
  const borders = new Set([0, beyond])
  for (const { ranges } of all.flatMap(setsOf)) for (const [low, high] of ranges) borders.add(low).add(high + 1)
  const sorted = [...borders].filter((code) => code <= beyond).sort((a, b) => a - b)
  return sorted.slice(0, -1).map((low, index) => plainestIn(low, (sorted[index + 1] ?? beyond) - 1))
}

function plainestIn(low: number, high: number): number {
  for (const letter of 'xaA1-_/') {
    const code = letter.charCodeAt(0)
    if (code >= low && code <= high) return code
  }
  return low < 33 && high >= 33 ? 33 : low
}
