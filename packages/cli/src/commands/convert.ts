// `weft convert PATH...`: what SMI, Ingress and Istio say, in kinds of the Gateway API, and what these cannot say.
import { styleText } from 'node:util'
import {
  convert,
  type Conversion,
  type ConvertibleSource,
  documentOf,
  formatProblem,
  loadFiles,
  type MeshObject,
  printDocuments,
  type Problem,
  type SourceFile,
} from '@weft/resources'
import type { Command } from 'commander'
import { EXIT } from '../program.ts'
import { readPaths } from '../read-paths.ts'

interface ConvertOptions {
  readonly output: string
  readonly from: string
}

/** What `weft convert` found. */
export interface ConvertReport {
  readonly directory: string
  readonly objects: readonly object[]
  /** What cannot be expressed, as findings. */
  readonly notExpressed: readonly Problem[]
  /** Mistakes in the directory; their objects are not converted. */
  readonly errors: readonly Problem[]
}

const sources: readonly ConvertibleSource[] = ['smi', 'ingress', 'istio']

/** Adds `weft convert`. Exit code 0: all of it could be said; 1: not all, or mistakes; 2: wrong usage. */
export function registerConvert(program: Command): void {
  program
    .command('convert')
    .argument('<path...>', 'directories (DIR/mesh if it exists, else DIR) and files; - is standard input')
    .description('print what SMI, Ingress and Istio objects say as kinds of the Gateway API')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .option('--from <sources>', `what is converted, separated by commas: ${sources.join(', ')}`, sources.join(','))
    .addHelpText(
      'after',
      `
The objects go to standard output; what the Gateway API has no words for goes to standard error (with -o json both are in one object).
A TrafficTarget becomes AuthorizationPolicies, a subset of a DestinationRule a Service, and a reference to another namespace needs a ReferenceGrant.

Exit code: 0 when all could be said, 1 when something could not or there are errors, 2 when the command line is wrong.

Examples:
  weft convert examples/bookstore > gateway-api.yaml
  weft convert examples/bookstore --from ingress,smi -o json
  kubectl get virtualservices,services -A -o yaml | weft convert -`,
    )
    .action(async (paths: string[], options: ConvertOptions, command: Command) => {
      if (options.output !== 'yaml' && options.output !== 'json') {
        command.error(`error: -o must be yaml or json, not ${options.output}`, { exitCode: EXIT.usage })
      }
      const from = options.from.split(',').filter(Boolean)
      const unknown = from.find((source) => !sources.some((known) => known === source))
      if (unknown !== undefined || from.length === 0) {
        command.error(`error: --from must be of ${sources.join(', ')}, not ${unknown ?? 'nothing'}`, {
          exitCode: EXIT.usage,
        })
      }
      const files = await readPaths(paths)
      if (!files.ok) return command.error(`error: ${files.error}`, { exitCode: EXIT.usage })
      const report = convertFiles(paths.join(' '), files.value, from as ConvertibleSource[])
      print(report, options.output)
      process.exitCode = report.notExpressed.length + report.errors.length > 0 ? EXIT.failed : EXIT.ok
    })
}

function convertFiles(
  directory: string,
  files: readonly SourceFile[],
  from: readonly ConvertibleSource[],
): ConvertReport {
  const { objects, problems } = loadFiles(files)
  const conversion = convert(objects, from)
  return {
    directory,
    objects: conversion.objects.map(documentOf),
    notExpressed: findings(conversion, objects),
    errors: problems.filter(({ severity }) => severity === 'error'),
  }
}

function findings({ notExpressed }: Conversion, objects: readonly MeshObject[]): Problem[] {
  return notExpressed.map(({ id, field, message, mend }) => ({
    severity: 'warning',
    code: 'not-expressed',
    message,
    position: objects.find((object) => object.id === id)?.positionOf(field),
    objectId: id,
    field,
    mend,
  }))
}

function print(report: ConvertReport, output: string): void {
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    return
  }
  process.stdout.write(printDocuments(report.objects))
  if (report.objects.length + report.errors.length + report.notExpressed.length === 0) {
    process.stderr.write(`nothing in ${report.directory} is to be converted\n`)
  }
  for (const problem of [...report.errors, ...report.notExpressed]) {
    const colour = problem.severity === 'error' ? 'red' : 'yellow'
    const label = styleText(colour, `${problem.severity}:`, { stream: process.stderr })
    process.stderr.write(`${formatProblem(problem).replace(`${problem.severity}:`, label)}\n`)
  }
}
