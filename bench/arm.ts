// One contender of a benchmark: a program under test, started once, idle while the others run.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { whenListening } from '@weft/testkit/ports'
import { processTree } from './cpu.ts'

/** A started contender. `pids` are the processes whose CPU counts. */
export interface Arm {
  readonly name: string
  readonly url: string
  readonly pids: readonly number[]
  /** Its backend, which counts the connections made to it. */
  readonly backendUrl: string
  stop(): Promise<void>
}

/** Core that the programs under test run on; the generator and the backend run on the other. */
export const coreUnderTest = 0
export const coreOfOthers = 1

/** Binds all threads of the processes to one core. */
export function pin(pids: readonly number[], core: number): void {
  for (const pid of pids) execFileSync('taskset', ['-apc', String(core), String(pid)], { stdio: 'ignore' })
}

/** Whether a GET for the benchmark's host is answered 200 there, on a connection of its own. `fetch` sends no `host` of ours. */
export function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { headers: { host: 'echo.bench' }, agent: false, timeout: 2_000 }, (response) => {
      response.resume()
      response.once('close', () => resolve(response.complete && response.statusCode === 200))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}

/** Fills `@NAME@` in a peer's configuration and writes it to the scratch folder. */
export function renderConfig(template: string, dir: string, values: Readonly<Record<string, string | number>>): string {
  let text = readFileSync(join(import.meta.dirname, 'peers', template), 'utf8')
  for (const [name, value] of Object.entries({ DIR: dir, ...values }))
    text = text.replaceAll(`@${name}@`, String(value))
  const path = join(dir, template)
  writeFileSync(path, text)
  return path
}

/** Ends a child and waits for it. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/** Starts a program as an arm pinned to the core under test. */
export async function startProgram(
  name: string,
  command: readonly string[],
  port: number,
  backendUrl: string,
): Promise<Arm> {
  const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] })
  await whenListening(port)
  const pids = processTree(child.pid as number)
  pin(pids, coreUnderTest)
  return { name, url: `http://127.0.0.1:${port}/`, pids, backendUrl, stop: () => stopChild(child) }
}
