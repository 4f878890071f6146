// Shares of requests.
import { type FractionalPercentSchema, FractionalPercent_DenominatorType } from '@weft/xds/es/envoy/type/v3/percent'
import type { Init } from '../init.ts'

/** Percent with four decimal places, as Istio passes it on. */
export function millionths(percent: number): Init<typeof FractionalPercentSchema> {
  return { numerator: Math.round(percent * 10_000), denominator: FractionalPercent_DenominatorType.MILLION }
}
