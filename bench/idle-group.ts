// A control group of the idle class. `chrt -i` alone is not enough: Linux gives each session a scheduling group of its own
// (sched_autogroup), and between groups the class of a task does not count. A mesh runs in sessions of its own, so that it had to wait for
// busy loops of the benchmark's session, which gave way at once to peers started from that session.
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the cpu controller is: version 1, or the one tree of version 2. */
const places = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup']

let made: string | undefined

function group(): string | undefined {
  if (made !== undefined) return made
  for (const place of places) {
    const dir = join(place, `weft-bench-${process.pid}`)
    try {
      mkdirSync(dir)
      if (!existsSync(join(dir, 'cpu.idle'))) rmdirSync(dir)
      else {
        writeFileSync(join(dir, 'cpu.idle'), '1')
        process.once('exit', () => leave(dir))
        return (made = dir)
      }
    } catch {
      // No right to, or no such controller.
    }
  }
  return undefined
}

/** Moves a process behind everything else that wants its core. Without the right to do so, nothing happens. */
export function makeIdle(pid: number | undefined): void {
  const dir = group()
  if (dir === undefined || pid === undefined) return
  try {
    writeFileSync(join(dir, 'cgroup.procs'), String(pid))
  } catch {
    // It has ended.
  }
}

/** Processes that were told to end may not have done so. */
function leave(dir: string): void {
  for (let tries = 0; tries < 100 && existsSync(dir) && readdirSync(dir).length > 0; tries += 1) {
    try {
      return rmdirSync(dir)
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
