// Is that process still the one we mean? A pid alone may have been given to someone else.
import { readFileSync } from 'node:fs'

/** A pid and, on Linux, when that process began (clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: string | undefined
}

/** Identity of a running process; undefined when there is none. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined
  }
  return { pid, startTicks: startTicks(pid) }
}

/** Whether the process with this identity still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = processIdentity(identity.pid)
  return now !== undefined && (identity.startTicks === undefined || now.startTicks === identity.startTicks)
}

function startTicks(pid: number): string | undefined {
  try {
    // The name in brackets may hold spaces: field 22 is the 20th after the last bracket.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19]
  } catch {
    return undefined
  }
}
