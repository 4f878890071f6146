// Reproducible choices: one seed, one sequence.

/** A source of choices. */
export interface SeededRandom {
  /** An integer in [0, below). */
  int(below: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** Between `min` and `max` different members, in the order of the list. */
  some<T>(list: readonly T[], min: number, max: number): T[]
}

/** Mulberry32: enough for generating tests. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (below: number): number => Math.floor(next() * below)
  return {
    int,
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new Error('nothing to pick from')
      return list[int(list.length)] as T
    },
    some(list, min, max) {
      const wanted = Math.min(list.length, min + int(max - min + 1))
      const left = [...list.keys()]
      const chosen = Array.from({ length: wanted }, () => left.splice(int(left.length), 1)[0] as number)
      return chosen.sort((a, b) => a - b).map((index) => list[index] as (typeof list)[number])
    },
  }
}
