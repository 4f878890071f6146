// The supervisor's side of the watchdog.
import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Entry } from '../process/entries.ts'

/** Ends registered process groups when this process dies, whatever way. */
export interface Watchdog {
  /** Registers a process group just started. */
  add(pid: number): void
  remove(pid: number): void
  /** Good-bye: nothing will be ended. */
  close(): void
}

/** Starts it. Should it be killed, a new one takes over with all groups. */
export function startWatchdog(entry: Entry, runId: string, runtimeDir: string): Watchdog {
  const groups = new Set<number>()
  let closed = false
  let write = (_line: string): void => {}
  const start = (): void => {
    const child = spawn(entry.command, [...entry.args, runId, runtimeDir], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const fd = (child.stdin as unknown as Socket & { _handle?: { fd?: number } })._handle?.fd
    child.stdin.on('error', () => {})
    write = (line) => {
      // Written before anything else happens: a registration lost in a buffer would leave a process behind.
      try {
        if (fd !== undefined && fd >= 0) writeSync(fd, `${line}\n`)
        else child.stdin.write(`${line}\n`)
      } catch {
        child.stdin.write(`${line}\n`)
      }
    }
    for (const pid of groups) write(`+${pid}`)
    child.on('error', () => {})
    child.on('exit', () => {
      if (!closed) setTimeout(start, 100)
    })
    child.unref()
    ;(child.stdin as unknown as Socket).unref()
  }
  start()
  return {
    add(pid) {
      groups.add(pid)
      write(`+${pid}`)
    },
    remove(pid) {
      groups.delete(pid)
      write(`-${pid}`)
    },
    close() {
      closed = true
      write('bye')
    },
  }
}
