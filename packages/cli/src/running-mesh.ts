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

/** The connections to a running mesh. */
export interface RunningMeshClient {
  readonly api: ApiClient
  readonly url: string
  /** Undefined where no supervisor runs (or it does not answer). */
  supervisor(): Promise<SupervisorStatus | undefined>
}

/** Adds the options that say which mesh is meant. */
export function withMeshOptions(command: Command): Command {
  return command
    .option('--dir <dir>', 'directory that `weft up` was given (default: the nearest one with .weft)')
    .option('--api <url>', "the control plane's API, e.g. http://127.0.0.1:15080")
}

/** The mesh that the options mean. */
export function runningMesh(options: MeshOptions): RunningMeshClient {
  const run = runFolder(options.dir)
  const control =
    run === undefined ? undefined : readJson<{ api?: { host: string; port: number } }>(join(run, 'control.json'))
  const { host, port } = control?.api ?? { host: '127.0.0.1', port: 15080 }
  const url = options.api ?? `http://${host}:${port}`
  return {
    url,
    api: apiClient(url),
    async supervisor() {
      const socket = run === undefined ? undefined : readJson<{ socket?: string }>(join(run, 'supervisor.json'))?.socket
      if (socket === undefined) return undefined
      const status = await getOverSocket<SupervisorStatus>(socket, '/status')
      return status.ok ? status.value : undefined
    },
  }
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

function getOverSocket<T>(socketPath: string, path: string): Promise<Result<T>> {
  return new Promise((done) => {
    const sent = request({ socketPath, path, timeout: 2000 }, (response) => {
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
    sent.on('timeout', () => sent.destroy(new Error('no answer within 2 s')))
    sent.on('error', (error) => done(err(error.message)))
    sent.end()
  })
}
