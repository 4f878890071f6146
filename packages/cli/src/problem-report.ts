// Findings for people and for programs.
import { styleText } from 'node:util'
import { describeObject, formatProblem, istioCodeOf, nameOfCode, type Problem, type Severity } from '@weft/resources'

/** A finding, the name of its code, and the code that Istio's analysis has for the same. */
export interface ReportedProblem extends Problem {
  readonly codeName?: string
  readonly istioCode?: string
}

/** How bad severities are, least first. */
export const severities: readonly Severity[] = ['info', 'warning', 'error']

/** Whether a finding is at least so bad. */
export function isAtLeast({ severity }: Problem, threshold: Severity): boolean {
  return severities.indexOf(severity) >= severities.indexOf(threshold)
}

/** Adds the names of codes. */
export function reported(problem: Problem): ReportedProblem {
  const istioCode = istioCodeOf(problem)
  const codeName = nameOfCode(problem.code)
  return {
    ...problem,
    ...(codeName === undefined ? {} : { codeName }),
    ...(istioCode === undefined ? {} : { istioCode }),
  }
}

const colours: Readonly<Record<Severity, 'red' | 'yellow' | 'cyan'>> = { error: 'red', warning: 'yellow', info: 'cyan' }

/** One line for each finding. styleText writes colours only when standard output is a terminal that wants them. */
export function problemLine(problem: ReportedProblem): string {
  const { istioCode, code } = problem
  const also = istioCode === undefined || istioCode === code ? '' : ` [${istioCode}]`
  const label = styleText(colours[problem.severity], `${problem.severity}:`, { stream: process.stdout })
  return `${formatProblem(problem)}${also}`.replace(`${problem.severity}:`, label)
}

/** The cells of a table: where, how bad, whose, which field, and what with its mend and code. */
export function problemRow(problem: ReportedProblem): string[] {
  const { position, severity, objectId, field, message, mend, code } = problem
  const place = position === undefined ? '-' : `${position.file}:${position.line}:${position.column}`
  const object = objectId === undefined ? '-' : describeObject(objectId)
  return [place, severity, object, field === '' ? '-' : field, `${message}. ${mend} [${code}]`]
}

/** `3 errors, 1 warning, 0 notes`. */
export function problemCounts(problems: readonly Problem[]): string {
  const count = (severity: Severity, word: string): string => {
    const found = problems.filter((problem) => problem.severity === severity).length
    return `${found} ${word}${found === 1 ? '' : 's'}`
  }
  return `${count('error', 'error')}, ${count('warning', 'warning')}, ${count('info', 'note')}`
}
