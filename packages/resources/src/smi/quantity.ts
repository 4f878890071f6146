// Kubernetes' quantities, as far as weights use them.

const suffixes: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9 }

/** The number of a quantity like `10`, `0.5`, `500m` or `1e3`; undefined when it is none, or negative. */
export function quantity(written: string | number): number | undefined {
  const [, amount, suffix = ''] = /^(\d+\.?\d*|\.\d+)(n|u|m|k|M|G|[eE][-+]?\d+)?$/.exec(String(written)) ?? []
  if (amount === undefined) return undefined
  const factor = /^[eE]/.test(suffix) ? Number(`1${suffix}`) : (suffixes[suffix] ?? Number.NaN)
  const value = Number(amount) * factor
  return Number.isFinite(value) ? value : undefined
}
