// The `weft` command. Commands live one per file in commands/ and register themselves; only the module of the command
// that is asked for is loaded, since what `up` or `explain` stand on takes longer to load than `status` takes to answer.
import { CommanderError } from 'commander'
import { endWhenNobodyReads } from './nobody-reads.ts'
import { buildProgram, EXIT, type Register } from './program.ts'

const commands: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import('./commands/up.ts')).registerUp,
  bootstrap: async () => (await import('./commands/bootstrap.ts')).registerBootstrap,
  status: async () => (await import('./commands/status.ts')).registerStatus,
  config: async () => (await import('./commands/config.ts')).registerConfig,
  explain: async () => (await import('./commands/explain.ts')).registerExplain,
  'restart-proxy': async () => (await import('./commands/restart-proxy.ts')).registerRestartProxy,
  get: async () => (await import('./commands/get.ts')).registerGet,
  analyze: async () => (await import('./commands/analyze.ts')).registerAnalyze,
  convert: async () => (await import('./commands/convert.ts')).registerConvert,
  schema: async () => (await import('./commands/schema.ts')).registerSchema,
  validate: async () => (await import('./commands/validate.ts')).registerValidate,
  translate: async () => (await import('./commands/translate.ts')).registerTranslate,
}

/** The asked command alone; all of them when the command line names none (help, a typing error). */
function asked(argv: readonly string[]): readonly (() => Promise<Register>)[] {
  const [first] = argv
  if (first === '--version' || first === '-V') return []
  const command = first === undefined || !Object.hasOwn(commands, first) ? undefined : commands[first]
  return command === undefined ? Object.values(commands) : [command]
}

endWhenNobodyReads(process.argv[2] === 'up')
try {
  const registers = await Promise.all(asked(process.argv.slice(2)).map((load) => load()))
  await buildProgram(registers).parseAsync(process.argv)
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
}
