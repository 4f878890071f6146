// The table of checks as text.
import type { CheckResult } from './run-checks.ts'

const NAME_WIDTH = 54
const EXPECTED_WIDTH = 42

/** The two lines above the rows. */
export function checkTableHead(): string {
  const head = `    ${'asked'.padEnd(NAME_WIDTH)} ${'expected'.padEnd(EXPECTED_WIDTH)} seen`
  return `${head}\n    ${'-'.repeat(NAME_WIDTH)} ${'-'.repeat(EXPECTED_WIDTH)} ${'-'.repeat(20)}`
}

/** One row; a text wider than its column pushes the rest to the right rather than being cut. */
export function checkTableRow(result: CheckResult): string {
  const { ok, name, expected, seen } = result
  return `${ok ? 'ok ' : 'NO '} ${name.padEnd(NAME_WIDTH)} ${expected.padEnd(EXPECTED_WIDTH)} ${seen}`
}

/** The line below the rows. */
export function checkTableFoot(results: readonly CheckResult[]): string {
  const failed = results.filter(({ ok }) => !ok).length
  return failed === 0 ? `all ${results.length} checks hold` : `${failed} of ${results.length} checks do NOT hold`
}
