// `weft analyze DIR`: what is wrong with a directory, without starting anything.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { nodeRuntime } from '@weft/core/node'
import {
  analyze,
  type DataPlane,
  formatProblem,
  istioCodeOf,
  loadFiles,
  pendingOnWeftCode,
  type Problem,
  readMeshFiles,
  type Severity,
} from '@weft/resources'
import type { Command } from 'commander'
import { EXIT } from '../program.ts'

interface AnalyzeOptions {
  readonly output: string
  readonly proxy: string
}

/** A finding, and the code that Istio's analysis has for the same. */
interface AnalyzedProblem extends Problem {
  readonly istioCode?: string
}

/** What `weft analyze` found. */
export interface AnalyzeReport {
  readonly directory: string
  readonly objects: number
  readonly problems: readonly AnalyzedProblem[]
}

/** Adds `weft analyze`. Exit code 0: no errors; 1: errors; 2: wrong usage. */
export function registerAnalyze(program: Command): void {
  program
    .command('analyze')
    .argument('<dir>', 'directory whose configuration (DIR/mesh if it exists, else DIR) is checked')
    .description('check the configuration in a directory: mistakes, and references to what is not there')
    .option('-o, --output <format>', 'text or json', 'text')
    .option(
      '--proxy <proxy>',
      "data plane of the mesh: weft or envoy (which leaves out what only Weft's proxy lacks)",
      'weft',
    )
    .addHelpText(
      'after',
      `
Exit code: 0 without errors (warnings may be shown), 1 with errors, 2 when the command line is wrong.

Example:
  weft analyze examples/bookstore
  weft analyze examples/bookstore -o json
  weft analyze examples/bookstore --proxy envoy`,
    )
    .action(async (dir: string, options: AnalyzeOptions, command: Command) => {
      if (options.output !== 'text' && options.output !== 'json') {
        command.error(`error: -o must be text or json, not ${options.output}`, { exitCode: EXIT.usage })
      }
      if (options.proxy !== 'weft' && options.proxy !== 'envoy') {
        command.error(`error: --proxy must be weft or envoy, not ${options.proxy}`, { exitCode: EXIT.usage })
      }
      if (!existsSync(dir)) command.error(`error: there is no directory ${dir}`, { exitCode: EXIT.usage })
      const report = await analyzeDirectory(dir, options.proxy)
      const text = options.output === 'json' ? JSON.stringify(report, undefined, 2) : renderReport(report)
      process.stdout.write(`${text}\n`)
      process.exitCode = report.problems.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok
    })
}

async function analyzeDirectory(dir: string, proxy: DataPlane): Promise<AnalyzeReport> {
  const { files } = nodeRuntime({ logLevel: 'error' })
  const { objects, problems } = loadFiles(await readMeshFiles(files, resolve(dir)), proxy)
  const all = [...problems, ...analyze(objects)].filter(({ code }) => proxy === 'weft' || code !== pendingOnWeftCode)
  return { directory: dir, objects: objects.length, problems: all.map(withIstioCode) }
}

function withIstioCode(problem: Problem): AnalyzedProblem {
  const istioCode = istioCodeOf(problem)
  return istioCode === undefined ? problem : { ...problem, istioCode }
}

const colours: Readonly<Record<Severity, 'red' | 'yellow' | 'cyan'>> = { error: 'red', warning: 'yellow', info: 'cyan' }

function renderReport({ problems, objects, directory }: AnalyzeReport): string {
  const lines = problems.map((problem) => {
    const { istioCode } = problem
    const line = `${formatProblem(problem)}${istioCode === undefined ? '' : ` [${istioCode}]`}`
    // styleText writes colours only when standard output is a terminal that wants them.
    const label = styleText(colours[problem.severity], `${problem.severity}:`, { stream: process.stdout })
    return line.replace(`${problem.severity}:`, label)
  })
  const count = (severity: Severity): number => problems.filter((problem) => problem.severity === severity).length
  const found = `${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes`
  return [...lines, `${objects} objects in ${directory}: ${found}`].join('\n')
}
