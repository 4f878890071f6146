// What `weft validate` tells.
import { formatProblem } from '@weft/resources'
import { printTable } from './print-table.ts'
import { problemCounts, problemLine, problemRow, type ReportedProblem } from './problem-report.ts'

/** What `weft validate` found. */
export interface ValidateReport {
  readonly objects: number
  readonly files: number
  readonly problems: readonly ReportedProblem[]
}

/** A table on a terminal; in a pipe a line for each finding, as compilers write them. */
export function printReport({ problems, objects, files }: ValidateReport, out: Parameters<typeof printTable>[2]): void {
  const each = new Map(problems.map((problem) => [formatProblem(problem), problem])).values()
  if (out.isTTY === true && problems.length > 0) {
    printTable(['PLACE', 'SEVERITY', 'OBJECT', 'FIELD', 'FINDING'], [...each].map(problemRow), out)
  } else for (const problem of each) out.write(`${problemLine(problem)}\n`)
  const counted = `${objects} valid object${objects === 1 ? '' : 's'} in ${files} file${files === 1 ? '' : 's'}`
  out.write(`${counted}: ${problemCounts(problems)}\n`)
}
