import type { Rng } from '@weft/core'

/** A reproducible generator (sfc32): the same seed gives the same numbers on every machine. */
export function seededRng(seed: number): Rng {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    return result >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  return {
    float: () => next() / 0x1_0000_0000,
    fill: (target) => {
      for (let at = 0; at < target.length; at++) target[at] = next() & 0xff
    },
  }
}
