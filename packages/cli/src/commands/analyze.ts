// `weft analyze PATH...`: what is wrong with configuration, without starting anything.
import { existsSync } from 'node:fs'
import { buildOffline, losersAsProblems, notesAsProblems, statusFindings } from '@weft/control'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  analyzeWritten,
  loadFiles,
  parseSuppression,
  pendingOnWeftCode,
  type Problem,
  type Severity,
  type SourceFile,
  type Suppression,
  withoutSuppressed,
} from '@weft/resources'
import { certificateFault } from '../certificate-fault.ts'
import { isAtLeast, problemCounts, problemLine, type ReportedProblem, reported, severities } from '../problem-report.ts'
import { EXIT } from '../program.ts'
import { readPaths } from '../read-paths.ts'

interface AnalyzeOptions {
  readonly output: string
  readonly proxy: 'weft' | 'envoy'
  readonly suppress: readonly Suppression[]
  readonly failureThreshold: Severity
  readonly outputThreshold: Severity
}

/** What `weft analyze` found. */
export interface AnalyzeReport {
  readonly directory: string
  readonly objects: number
  readonly problems: readonly ReportedProblem[]
}

/** Adds `weft analyze`. */
export function registerAnalyze(program: Command): void {
  program
    .command('analyze')
    .argument('<path...>', 'directories (DIR/mesh if it exists, else DIR) and files; - is standard input')
    .description('check configuration as a whole: mistakes, what refers to what is not there, what contradicts itself')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addOption(
      new Option('--proxy <proxy>', "data plane of the mesh (envoy leaves out what only Weft's proxy lacks)")
        .choices(['weft', 'envoy'])
        .default('weft'),
    )
    .option(
      '-S, --suppress <code=object>',
      'leave a finding out: IST0118, or "IST0118=Service catalog.shop", with * in the name; may be repeated',
      collectSuppression,
      [],
    )
    .addOption(
      new Option('--failure-threshold <severity>', 'exit with 1 from this severity on')
        .choices([...severities])
        .default('error'),
    )
    .addOption(
      new Option('--output-threshold <severity>', 'print findings from this severity on')
        .choices([...severities])
        .default('info'),
    )
    .addHelpText(
      'after',
      `
An object is spared by its annotation galley.istio.io/analyze-suppress: IST0118,WEFT0106 (or "*").

Exit code: 0 without errors (warnings may be shown), 1 with errors, 2 when the command line is wrong.

Examples:
  weft analyze examples/bookstore
  weft analyze examples/bookstore -o json
  weft analyze mesh routes.yaml --proxy envoy
  weft analyze mesh --suppress "IST0118=Service *.legacy" --failure-threshold warning`,
    )
    .action(async (paths: string[], options: AnalyzeOptions, command: Command) => {
      const missing = paths.find((path) => path !== '-' && !existsSync(path))
      if (missing !== undefined) {
        command.error(`error: there is no directory or file ${missing}`, { exitCode: EXIT.usage })
      }
      const files = await readPaths(paths)
      if (!files.ok) return command.error(`error: ${files.error}`, { exitCode: EXIT.usage })
      const found = analyzeFiles(files.value, options)
      const shown = found.problems.filter((problem) => isAtLeast(problem, options.outputThreshold)).map(reported)
      const report = { directory: paths.join(' '), objects: found.objects, problems: shown }
      process.stdout.write(`${options.output === 'json' ? JSON.stringify(report, undefined, 2) : render(report)}\n`)
      const failed = found.problems.some((problem) => isAtLeast(problem, options.failureThreshold))
      process.exitCode = failed ? EXIT.failed : EXIT.ok
    })
}

function collectSuppression(text: string, before: readonly Suppression[]): Suppression[] {
  const parsed = parseSuppression(text)
  if (parsed === undefined) throw new InvalidArgumentError('Write it like IST0118, or "IST0118=Service catalog.shop".')
  return [...before, parsed]
}

function analyzeFiles(
  files: readonly SourceFile[],
  { proxy, suppress }: AnalyzeOptions,
): { readonly objects: number; readonly problems: readonly Problem[] } {
  const { objects, written, problems } = loadFiles(files, proxy)
  const nowMs = Date.now()
  const relations = analyzeWritten(written, {
    certificateFault: (certificate, key) => certificateFault(certificate, key, nowMs),
  })
  const mesh = buildOffline(files, { flavor: proxy })
  const told = [...problems, ...mesh.unplaced, ...relations]
  const translated = [...losersAsProblems(mesh, told), ...notesAsProblems(mesh, told)]
  const all = [...told, ...translated, ...statusFindings(mesh, told)]
  const wanted = all.filter(({ code }) => proxy === 'weft' || code !== pendingOnWeftCode)
  return { objects: objects.length, problems: withoutSuppressed(wanted, written, suppress) }
}

function render({ problems, objects, directory }: AnalyzeReport): string {
  return [
    ...problems.map(problemLine),
    `${objects} ${objects === 1 ? 'object' : 'objects'} in ${directory}: ${problemCounts(problems)}`,
  ].join('\n')
}
