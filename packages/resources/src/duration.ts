// Durations as Go and Istio write them: `1.5s`, `250ms`, `1h30m`.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds, or undefined when the text is not a duration (a number needs a unit; `0` alone is allowed, as in Go). */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? Number.NaN)
  }
  return Number.isFinite(total) ? total : undefined
}

/** Milliseconds of a duration in a validated spec; undefined stays undefined. */
export function durationMs(text: string): number
export function durationMs(text: string | undefined): number | undefined
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = parseDurationMs(text)
  if (ms === undefined) throw new Error(`invariant violated: unvalidated duration ${text}`)
  return ms
}
