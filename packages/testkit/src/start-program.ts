// Programs that tests start beside themselves: Envoy, a proxy in a process of its own.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** A program under test; what it says on stdout is read from `stdout`. */
export type StartedProgram = ChildProcessByStdio<null, Readable, Readable>

const running = new Set<StartedProgram>()

function endAll(): void {
  for (const program of running) program.kill('SIGKILL')
}

// A test that fails, or is ended because it hangs, may not come to the place where it ends its programs.
process.once('exit', endAll)
process.once('SIGTERM', () => process.exit(143))

/** Starts a program that ends with this process at the latest. Its stderr is passed on and not inherited: a program that is left over would hold the output of the whole run open. */
export function startProgram(command: string, args: readonly string[]): StartedProgram {
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(program)
  program.once('exit', () => running.delete(program))
  program.stderr.on('data', (bytes: Buffer) => void process.stderr.write(bytes))
  program.stdout.resume()
  return program
}
