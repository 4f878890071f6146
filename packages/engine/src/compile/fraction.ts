// envoy.type.v3.FractionalPercent.
import type { FractionalPercent } from '@weft/xds/lean'

const denominators = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const

/** Numerator and denominator; undefined: 0 of 100. */
export function compileFraction(percent: FractionalPercent | undefined): {
  readonly numerator: number
  readonly denominator: number
} {
  if (percent === undefined) return { numerator: 0, denominator: 100 }
  const denominator = denominators[percent.denominator as keyof typeof denominators] ?? 100
  return { numerator: percent.numerator, denominator }
}
