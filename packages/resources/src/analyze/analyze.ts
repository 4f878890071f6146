// Analysis of a whole mesh at once.
import type { Problem } from '../mesh-object.ts'
import { Analysis, type AnalysisOptions } from './analysis.ts'
import { codes, type FindingCode } from './codes.ts'
import type { WrittenObject } from './written-object.ts'

/** Every finding among objects as written, by place. Findings of analysis never refuse an object. */
export function analyzeWritten(objects: readonly WrittenObject[], options: AnalysisOptions = {}): Problem[] {
  const analysis = new Analysis(options)
  analysis.update(objects)
  return analysis.problems()
}

/** The code of Istio for a finding: its own, or that of schemas for an object that is refused or has a dubious field. Undefined: Istio has none. */
export function istioCodeOf({ code, severity, objectId }: Problem): FindingCode | undefined {
  if (code.startsWith('IST')) return code as FindingCode
  if (Object.hasOwn(codes, code)) return undefined
  if (objectId === undefined || code === 'duplicate-object' || severity === 'info') return undefined
  return severity === 'error' ? 'IST0106' : 'IST0133'
}
