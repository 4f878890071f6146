// Load by wrk on the other core, and what it saw.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { coreOfOthers } from './arm.ts'

const execute = promisify(execFile)

/** Connections a backend has accepted so far, by nginx's stub_status; the one that asks is not counted. */
export async function acceptedBy(backendUrl: string): Promise<number> {
  const answer = await fetch(`${backendUrl}connections`, { headers: { connection: 'close' } })
  return Number(/requests\s+(\d+)/.exec(await answer.text())?.[1]) - 1
}

/** What one burst of load saw. */
export interface LoadResult {
  readonly requests: number
  readonly errors: number
  readonly seconds: number
}

const corpus = join(import.meta.dirname, 'corpus.lua')

/** Runs wrk against a URL for some seconds: a thousand differing requests over 64 keep-alive connections. Throws when wrk fails to run. */
export async function runLoad(url: string, seconds: number, connections = 64): Promise<LoadResult> {
  const args = ['-c', String(coreOfOthers), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', corpus, url]
  const { stdout } = await execute('taskset', args)
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0)
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)
  const errors =
    Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0) +
    (socket?.slice(1).reduce((sum, value) => sum + Number(value), 0) ?? 0)
  return { requests, errors, seconds }
}
