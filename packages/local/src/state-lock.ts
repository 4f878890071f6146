// One `weft up` per directory: a second one would give the same addresses to other processes.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { err, ok, type Result } from '@weft/core'
import { isRunning, type ProcessIdentity, processIdentity } from './process/process-identity.ts'

/** Takes the lock, or says who holds it. A lock whose holder is gone (`kill -9`) is taken over. */
export function takeLock(file: string): Result<{ release(): void }> {
  const own = processIdentity(process.pid)
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 })
      return ok({ release: () => rmSync(file, { force: true }) })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        return err(`cannot write ${file}: ${(error as Error).message}`)
    }
    const holder = readHolder(file)
    if (holder !== undefined && isRunning(holder)) {
      return err(`another weft up (pid ${holder.pid}) runs on this directory; end it first`)
    }
    rmSync(file, { force: true })
  }
  return err(`${file} is taken again and again; is another weft up starting?`)
}

/** Who holds the lock at the moment, if anybody. */
export function lockHolder(file: string): ProcessIdentity | undefined {
  const holder = readHolder(file)
  return holder !== undefined && isRunning(holder) ? holder : undefined
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessIdentity>
    return typeof value.pid === 'number' ? { pid: value.pid, startTicks: value.startTicks } : undefined
  } catch {
    return undefined
  }
}
