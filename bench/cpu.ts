// CPU time and memory of processes, from /proc (Linux).
import { readFileSync, readdirSync } from 'node:fs'

/** CPU time, in nanoseconds, that all threads of the given processes have used so far. */
export function cpuNs(pids: readonly number[]): number {
  let total = 0
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
    }
  }
  return total
}

/** Memory of one process in MB: resident, anonymous resident (private heap) and proportional (shared pages divided). */
export interface Memory {
  readonly rssMb: number
  readonly anonMb: number
  readonly pssMb: number
}

/** Reads the memory of a process. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kb = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { rssMb: kb(status, 'VmRSS') / 1024, anonMb: kb(status, 'RssAnon') / 1024, pssMb: kb(rollup, 'Pss') / 1024 }
}

/** All descendants of a process, itself first. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // The process ended while we read.
    }
  }
  const list: number[] = []
  for (const queue = [root]; queue.length > 0; ) {
    const pid = queue.shift() as number
    list.push(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return list
}

/** Fraction of all CPU time that the host took away (steal) between two calls of `stealSample`. */
export interface StealSample {
  readonly steal: number
  readonly total: number
}

/** One reading of the machine's CPU counters. */
export function stealSample(): StealSample {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).trim().split(/\s+/).slice(1).map(Number)
  return { steal: fields[7] ?? 0, total: fields.slice(0, 8).reduce((sum, value) => sum + value, 0) }
}
