// Ejecting by rates: endpoints that fail more often than the others of their cluster, or than they may (Envoy's DetectorImpl).
import type { RateRules } from '../model.ts'

/** What one endpoint did in an interval. */
export interface Tally {
  total: number
  successes: number
}

/** An endpoint that is to be ejected, in so many percent of the cases. */
export interface RateOutlier {
  readonly key: string
  readonly enforcedPercent: number
}

/** The endpoints whose rates of one interval stand out; those that are ejected already are not to be among `tallies`. */
export function outliersByRate(tallies: Iterable<readonly [string, Tally]>, rules: RateRules): readonly RateOutlier[] {
  const rates: Rate[] = []
  for (const [key, { total, successes }] of tallies)
    if (total > 0) rates.push({ key, total, successPercent: (successes * 100) / total })
  return [...belowTheOthers(rates, rules), ...overTheThreshold(rates, rules)]
}

interface Rate {
  readonly key: string
  readonly total: number
  readonly successPercent: number
}

function belowTheOthers(rates: readonly Rate[], rules: RateRules): RateOutlier[] {
  const counted = rates.filter(({ total }) => total >= rules.successRateVolume)
  if (counted.length === 0 || counted.length < rules.successRateMinimumHosts) return []
  const mean = counted.reduce((sum, { successPercent }) => sum + successPercent, 0) / counted.length
  const variance = counted.reduce((sum, { successPercent }) => sum + (successPercent - mean) ** 2, 0) / counted.length
  const least = mean - (Math.sqrt(variance) * rules.successRateStdevFactor) / 1000
  const out = counted.filter(({ successPercent }) => successPercent < least)
  return out.map(({ key }) => ({ key, enforcedPercent: rules.enforcingSuccessRatePercent }))
}

function overTheThreshold(rates: readonly Rate[], rules: RateRules): RateOutlier[] {
  const counted = rates.filter(({ total }) => total >= rules.failureVolume)
  if (counted.length === 0 || counted.length < rules.failureMinimumHosts) return []
  const out = counted.filter(({ successPercent }) => 100 - successPercent >= rules.failureThresholdPercent)
  return out.map(({ key }) => ({ key, enforcedPercent: rules.enforcingFailurePercent }))
}
