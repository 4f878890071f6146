// A mesh of its own for a test: a copy of the bookstore's directory, `weft up` on it, and requests through its gateway.
import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '@weft/testkit/ports'
import { openCheckContext, type CheckContext } from '../../examples/bookstore/check.ts'
import { openMeshAccess } from '../../packages/local/src/check/mesh-access.ts'

const repository = join(import.meta.dirname, '../..')
// WEFT_PROXY=envoy runs the same tests over real Envoy.
const proxyKind = ['--proxy', process.env['WEFT_PROXY'] ?? 'weft']
const anyPorts = ['--xds-port', '0', '--api-port', '0', '--metrics-port', '0']
const startTimeoutMs = 60_000
const stopTimeoutMs = 30_000
const lockTimeoutMs = 10 * 60_000

export interface MeshDirectory {
  readonly path: string
  /** Port of the shop's gateway. */
  readonly gatewayPort: number
  /** Text of a file below the directory. */
  read(file: string): string
  /** Replaces a file as editors do: written beside it, then rename(2). */
  replace(file: string, text: string): void
  remove(): void
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A `weft up` that was started, whether it came up or not. */
export interface MeshRun {
  readonly process: ChildProcess
  /** Everything it printed, both streams, line by line. */
  readonly lines: readonly string[]
  readonly ended: Promise<Ended>
  /** Waits for a line printed after `from` lines; rejects when the time is over or the process ended. */
  waitForLine(pattern: RegExp, from?: number, timeoutMs?: number): Promise<string>
  /** How it ended by itself; one that goes on after `timeoutMs` is stopped, and its code says so. */
  endsWithin(timeoutMs: number): Promise<Ended>
  /** SIGTERM, then waits for the end; SIGKILL if that takes too long. */
  stop(): Promise<Ended>
}

/** A mesh that serves. */
export interface MeshUnderTest extends MeshRun {
  readonly directory: MeshDirectory
  readonly context: CheckContext
  /** Stops the mesh but leaves its directory; `stop` removes that, too. */
  stopProcesses(): Promise<Ended>
}

/** Copies the bookstore to a directory of its own, its gateway on a free port. */
export async function copyBookstore(): Promise<MeshDirectory> {
  const path = mkdtempSync(join(tmpdir(), 'weft-e2e-'))
  const skipped = /(^|\/)(\.weft|node_modules|data)$|\.test\.ts$/
  cpSync(join(repository, 'examples/bookstore'), path, { recursive: true, filter: (source) => !skipped.test(source) })
  // The applications import packages; Node looks for them in the directories above.
  symlinkSync(join(repository, 'node_modules'), join(path, 'node_modules'))
  const gatewayPort = await freePort()
  const directory: MeshDirectory = {
    path,
    gatewayPort,
    read: (file) => readFileSync(join(path, file), 'utf8'),
    replace(file, text) {
      // Not a .yaml itself, or the half-written copy could be taken for configuration.
      const beside = join(path, `${file}.new~`)
      writeFileSync(beside, text)
      renameSync(beside, join(path, file))
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
  directory.replace(
    'mesh/gateway.yaml',
    directory.read('mesh/gateway.yaml').replace('number: 8080', `number: ${gatewayPort}`),
  )
  return directory
}

/** The command line, straight from its sources. */
const sourceMain = join(repository, 'packages/cli/src/main.ts')

/**
 * Copies the bundles, which users run and `npm test` makes, to a directory of the test; gives the command line's. Their processes start in a fraction of
 * the time that sources take. Of the originals a mesh would see that they were made anew, and replace all its proxies.
 */
export function copyBundles(directory: MeshDirectory): string {
  const copies = join(directory.path, '.bundles')
  const skipped = /\.meta\.json$/
  cpSync(join(repository, 'dist'), copies, { recursive: true, filter: (source) => !skipped.test(source) })
  return join(copies, 'weft.mjs')
}

/** Runs `weft up` on a directory, without waiting for anything. */
export function runMesh(directory: MeshDirectory, args: readonly string[] = [], main = sourceMain): MeshRun {
  const child = spawn(process.execPath, [main, 'up', directory.path, ...anyPorts, ...proxyKind, ...args], {
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: process.env['HOME'],
      NODE_NO_WARNINGS: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      changed()
    })
  }
  let over: Ended | undefined
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      over = { code, signal }
      resolve(over)
      changed()
    })
  })
  const waitForLine: MeshRun['waitForLine'] = (pattern, from = 0, timeoutMs = startTimeoutMs) =>
    new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        listeners.delete(look)
      }
      const fail = (why: string): void => {
        finish()
        reject(new Error(`${why} before a line like ${String(pattern)} in:\n${lines.slice(-40).join('\n')}`))
      }
      const look = (): void => {
        const found = lines.slice(from).find((line) => pattern.test(line))
        if (found !== undefined) {
          finish()
          resolve(found)
        } else if (over !== undefined) fail(`weft up ended with ${over.code ?? over.signal}`)
      }
      const timer = setTimeout(() => fail(`${timeoutMs} ms were over`), timeoutMs)
      listeners.add(look)
      look()
    })
  const stop = async (): Promise<Ended> => {
    if (over !== undefined) return over
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    const result = await ended
    clearTimeout(force)
    return result
  }
  const endsWithin = async (timeoutMs: number): Promise<Ended> => {
    const timer = setTimeout(() => void stop(), timeoutMs)
    const result = await ended
    clearTimeout(timer)
    return result
  }
  return { process: child, lines, ended, waitForLine, endsWithin, stop }
}

/** Starts the bookstore behind the mesh and waits until its gateway gives the shop's first page. `edit` may change the directory before. */
export async function startMesh(
  edit?: (directory: MeshDirectory) => void,
  args: readonly string[] = [],
  program: (directory: MeshDirectory) => string = () => sourceMain,
): Promise<MeshUnderTest> {
  const directory = await copyBookstore()
  edit?.(directory)
  const run = runMesh(directory, args, program(directory))
  const shopUrl = `http://127.0.0.1:${directory.gatewayPort}`
  const { context, error } = await openOnceServing(run, directory, shopUrl)
  if (context === undefined) {
    await run.stop()
    directory.remove()
    throw error
  }
  const stop = async (): Promise<Ended> => {
    context.close()
    const result = await run.stop()
    directory.remove()
    return result
  }
  return { ...run, directory, context, stop, stopProcesses: () => run.stop() }
}

async function openOnceServing(
  run: MeshRun,
  directory: MeshDirectory,
  shopUrl: string,
): Promise<{ context: CheckContext; error?: never } | { context?: never; error: unknown }> {
  const first = openCheckContext(shopUrl)
  try {
    await run.waitForLine(/workloads are ready/)
    await untilServing(run, first)
    const kind = process.env['WEFT_PROXY'] === 'envoy' ? 'envoy' : 'weft'
    return { context: openCheckContext(shopUrl, await openMeshAccess(directory.path, kind)) }
  } catch (error) {
    return { error }
  } finally {
    first.close()
  }
}

async function untilServing(run: MeshRun, context: CheckContext): Promise<void> {
  const startedAt = performance.now()
  let seen = 'nothing'
  while (performance.now() - startedAt < startTimeoutMs) {
    const ended = await Promise.race([run.ended, pause(100)])
    if (ended !== undefined)
      throw new Error(`weft up ended with ${ended.code ?? ended.signal}:\n${run.lines.slice(-40).join('\n')}`)
    seen = await context.request('/', { timeoutMs: 5_000 }).then(
      (response) => String(response.status),
      (error: unknown) => String(error),
    )
    if (seen === '200') return
  }
  throw new Error(`the shop does not open, last seen: ${seen}\n${run.lines.slice(-40).join('\n')}`)
}

/** Calls `look` until it gives a value; rejects after `timeoutMs` with what was wanted. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 10_000): Promise<T> {
  const startedAt = performance.now()
  for (;;) {
    const value = await look()
    if (value !== undefined) return value
    if (performance.now() - startedAt > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await pause(10)
  }
}

/** The text of catalog-routing.yaml with other weights than 90 and 10. */
export function splitOf(text: string, v1: number, v2: number): string {
  const weights = [v1, v2]
  return text.replaceAll(/weight: \d+/g, () => `weight: ${weights.shift()}`)
}

/** Resolves after `ms`. */
export function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms))
}

/**
 * Waits until no other test on this machine has a mesh up: meshes share the fixed addresses of 127.0.0.0/8. The lock is an abstract
 * Unix socket, so it ends with its holder whatever happens.
 */
export async function lockMachine(): Promise<() => Promise<void>> {
  const startedAt = performance.now()
  for (;;) {
    const server = await listenOnce('\0weft-e2e-mesh')
    if (server !== undefined) return () => new Promise((resolve) => server.close(() => resolve()))
    if (performance.now() - startedAt > lockTimeoutMs) throw new Error('another mesh is still up')
    await pause(200)
  }
}

function listenOnce(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(path, () => resolve(server))
  })
}
