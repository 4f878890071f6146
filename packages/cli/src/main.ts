// The `weft` command. Commands live one per file in commands/ and register themselves.
import { CommanderError } from 'commander'
import { buildProgram, EXIT, type Register } from './program.ts'
import { registerAnalyze } from './commands/analyze.ts'
import { registerConfig } from './commands/config.ts'
import { registerExplain } from './commands/explain.ts'
import { registerStatus } from './commands/status.ts'
import { registerUp } from './commands/up.ts'

const registers: Register[] = [registerUp, registerStatus, registerConfig, registerExplain, registerAnalyze]

try {
  await buildProgram(registers).parseAsync(process.argv)
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
}
