// One contender of a benchmark: a program under test, started once, idle while the others run.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
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

/** A free loopback port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until something accepts connections there; throws after `limitMs`. */
export async function waitForPort(host: string, port: number, limitMs = 15_000): Promise<void> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port }, () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on ${host}:${port} after ${limitMs} ms`)
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
  await waitForPort('127.0.0.1', port)
  const pids = processTree(child.pid as number)
  pin(pids, coreUnderTest)
  return { name, url: `http://127.0.0.1:${port}/`, pids, backendUrl, stop: () => stopChild(child) }
}
