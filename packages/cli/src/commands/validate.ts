// `weft validate PATH...`: whether each object is right by itself.
import { type Command, Option } from 'commander'
import { loadFiles } from '@weft/resources'
import { reported } from '../problem-report.ts'
import { EXIT } from '../program.ts'
import { readPaths } from '../read-paths.ts'
import { printReport, type ValidateReport } from '../validate-report.ts'

interface ValidateOptions {
  readonly output: string
  readonly quiet?: true
}

/** Adds `weft validate`. */
export function registerValidate(program: Command): void {
  program
    .command('validate')
    .argument('<path...>', 'files and directories (DIR/mesh if it exists, else DIR); - is standard input')
    .description('check each object by itself: its fields, and whether they fit together')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .option('-q, --quiet', 'print errors only')
    .addHelpText(
      'after',
      `
What objects say of each other is checked by: weft analyze

Exit code: 0 when everything would be accepted, 1 when something would be refused, 2 when the command line is wrong.

Examples:
  weft validate routes.yaml
  weft validate mesh gateways/*.yaml -o json
  kubectl get virtualservices -A -o yaml | weft validate -`,
    )
    .action(async (paths: string[], options: ValidateOptions, command: Command) => {
      const files = await readPaths(paths)
      if (!files.ok) return command.error(`error: ${files.error}`, { exitCode: EXIT.usage })
      const { objects, problems } = loadFiles(files.value)
      const shown = problems.filter(({ severity }) => options.quiet !== true || severity === 'error').map(reported)
      const report: ValidateReport = { objects: objects.length, files: files.value.length, problems: shown }
      if (options.output === 'json') process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
      else printReport(report, process.stdout)
      process.exitCode = problems.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.ok
    })
}
