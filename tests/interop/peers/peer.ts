// Programs that nobody here wrote: found on PATH or where .ci/go-peers puts them, run with a time limit.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const goPeers = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weft-ci/go/bin')

/** Where a program is; undefined: nowhere. */
export function findPeer(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), goPeers]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Why a test of these programs is skipped; false: all are here. */
export function missingPeers(...names: readonly string[]): string | false {
  const missing = names.filter((name) => findPeer(name) === undefined)
  return missing.length === 0 ? false : `${missing.join(', ')} is not on PATH`
}

/** As `missingPeers`, for programs that .ci/go-peers builds: CI goes on without one that cannot be built. */
export function missingGoPeers(...names: readonly string[]): string | false {
  const missing = missingPeers(...names)
  return missing === false ? false : `${missing} (a peer built by .ci/go-peers)`
}

/** How a program ended. */
export interface PeerRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one to its end; what it is asked for is written to its input. */
export function runPeer(name: string, args: readonly string[], input = '', timeoutMs = 30_000): Promise<PeerRun> {
  const path = findPeer(name)
  if (path === undefined) throw new Error(`${name} is not here`)
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL' } as const
    const child = execFile(path, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input, 'latin1')
  })
}
