// The command line as a whole: what is common to all commands, and the list of them.
import { Command } from 'commander'

/** Exit codes, the same for all commands. */
export const EXIT = {
  ok: 0,
  /** What was asked for is not so: a check failed, the configuration has errors, a process would not start. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Ctrl-C before what was asked for was done: 128 and SIGINT, as shells show it. */
  interrupted: 130,
} as const

/** Adds one command. Each file in commands/ exports one of these. */
export type Register = (program: Command) => void

/** Builds the program; nothing is read from the environment here. */
export function buildProgram(registers: readonly Register[]): Command {
  const program = new Command('weft')
    .description('A service mesh in one language and one engine.')
    .version('0.1.0')
    .showHelpAfterError('(weft --help shows what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  weft up examples/bookstore             start everything a directory describes
  weft status                            every proxy, what it accepted, its identity
  weft explain --from web GET http://catalog/books
  weft analyze examples/bookstore        check a directory, start nothing
  weft convert examples/bookstore        the same in kinds of the Gateway API
  weft translate examples/bookstore --proxy web   the xDS that a proxy would get`,
    )
  for (const register of registers) register(program)
  return program
}
