// Medians and confidence limits of paired rounds.

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The value below which the given share of the values lies (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number
}

/** A ratio with its 95 % limits. */
export interface Ratio {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Median of the per-round ratios a/b, with 95 % limits by bootstrap (deterministic: a fixed generator). */
export function pairedRatio(a: readonly number[], b: readonly number[]): Ratio {
  const logs = a.map((value, index) => Math.log(value / (b[index] as number)))
  const medians: number[] = []
  let state = 0x9e3779b9
  const draw = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0
    return state / 2 ** 32
  }
  for (let round = 0; round < 2000; round += 1) {
    medians.push(median(logs.map(() => logs[Math.floor(draw() * logs.length)] as number)))
  }
  return {
    median: Math.exp(median(logs)),
    low: Math.exp(percentile(medians, 0.025)),
    high: Math.exp(percentile(medians, 0.975)),
  }
}
