// Finds the mesh that runs: the control plane's API and the supervisor's socket, from the files `weft up` leaves in `.weft/run`.
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type ApiClient, apiClient } from '@weft/control/api'
import { err, ok, type Result } from '@weft/core'

/** Options of every command that asks a running mesh. */
export interface MeshOptions {
  readonly dir?: string
  readonly api?: string
  readonly output?: 'json'
}

/** What the supervisor knows of an identity. */
export interface LocalIdentity {
  readonly id: string
  readonly serial?: string
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly renewAtMs?: number
  readonly problem?: string
}

/** The part of the supervisor's status that commands show. */
export interface SupervisorStatus {
  readonly identities: readonly LocalIdentity[]
  readonly isolation: string
}

/** What became of one proxy that was to be restarted; the part of the supervisor's answer that is shown. */
export interface ProxyRestart {
  readonly instance: string
  readonly namespace: string
  readonly outcome:
    | {
        readonly ok: true
        readonly value: {
          readonly epoch: number
          readonly previousPids: readonly number[]
          readonly pids: readonly number[]
        }
      }
    | { readonly ok: false; readonly error: string }
}

/** The connections to a running mesh. */
export interface RunningMeshClient {
  readonly api: ApiClient
  readonly url: string
  /** Undefined where no supervisor runs (or it does not answer). */
  supervisor(): Promise<SupervisorStatus | undefined>
  /** Asks the supervisor to replace proxies; the error says why it cannot be asked. */
  restartProxy(workload: string, drainMs: number | undefined): Promise<Result<readonly ProxyRestart[]>>
}

/** Adds the options that say which mesh is meant. */
export function withMeshOptions(command: Command): Command {
  return command
    .option('--dir <dir>', 'directory that `weft up` was given (default: the nearest one with .weft)')
    .option('--api <url>', "the control plane's API, e.g. http://127.0.0.1:15080")
}

/** Proxies of a workload are replaced one after the other; each gets half a minute to be ready. */
const restartTimeoutMs = 10 * 60_000

/** The mesh that the options mean. */
export function runningMesh(options: MeshOptions): RunningMeshClient {
  const run = runFolder(options.dir)
  const control =
    run === undefined ? undefined : readJson<{ api?: { host: string; port: number } }>(join(run, 'control.json'))
  const { host, port } = control?.api ?? { host: '127.0.0.1', port: 15080 }
  const socketOf = (): string | undefined =>
    run === undefined ? undefined : readJson<{ socket?: string }>(join(run, 'supervisor.json'))?.socket
  const url = options.api ?? `http://${host}:${port}`
  // Whoever names a directory does not mean the mesh that happens to answer at the usual port.
  const missing = options.dir !== undefined && options.api === undefined && control === undefined
  return {
    url,
    api: missing ? nobodyAnswers(`no mesh runs on ${options.dir}`) : apiClient(url),
    async supervisor() {
      const socket = socketOf()
      if (socket === undefined) return undefined
      const status = await askOverSocket<SupervisorStatus>(socket, { path: '/status' })
      return status.ok ? status.value : undefined
    },
    async restartProxy(workload, drainMs) {
      const socket = socketOf()
      if (socket === undefined) return err('no mesh runs here')
      const query = new URLSearchParams({ workload, ...(drainMs === undefined ? {} : { drainMs: String(drainMs) }) })
      const path = `/restart-proxy?${query.toString()}`
      const answer = await askOverSocket<{ proxies: readonly ProxyRestart[] }>(socket, {
        ...{ path, method: 'POST', timeout: restartTimeoutMs },
      })
      return answer.ok ? ok(answer.value.proxies) : answer
    },
  }
}

function nobodyAnswers(why: string): ApiClient {
  const answer = (): Promise<Result<never>> => Promise.resolve(err(why))
  return { status: answer, resources: answer, snapshot: answer, objects: answer, positions: answer }
}

/** The directory of the mesh that is meant; undefined: none runs here or above. */
export function meshDirectory(dir: string | undefined): string | undefined {
  const run = runFolder(dir)
  return run === undefined ? undefined : dirname(dirname(run))
}

/** `.weft/run` of the given directory, of the nearest one above, or of the bookstore in this checkout. */
function runFolder(dir: string | undefined): string | undefined {
  if (dir !== undefined) return join(resolve(dir), '.weft/run')
  for (let at = process.cwd(); ; at = dirname(at)) {
    for (const candidate of [join(at, '.weft/run'), join(at, 'examples/bookstore/.weft/run')]) {
      if (existsSync(join(candidate, 'control.json'))) return candidate
    }
    if (dirname(at) === at) return undefined
  }
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}

interface Asked {
  readonly path: string
  readonly method?: string
  readonly timeout?: number
}

function askOverSocket<T>(socketPath: string, { path, method = 'GET', timeout = 2_000 }: Asked): Promise<Result<T>> {
  return new Promise((done) => {
    const sent = request({ socketPath, path, method, timeout }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        try {
          done(ok(JSON.parse(Buffer.concat(chunks).toString()) as T))
        } catch (error) {
          done(err((error as Error).message))
        }
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeout / 1000} s`)))
    sent.on('error', (error) => done(err(error.message)))
    sent.end()
  })
}
