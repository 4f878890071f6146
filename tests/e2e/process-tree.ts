// What is left on the machine: processes by their command line, sockets by their address. Linux only (/proc).
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Ids of living processes whose command line or environment names `text`; zombies do not count. */
export function processesNaming(text: string): number[] {
  const found: number[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const words = `${readOrNothing(`/proc/${entry}/cmdline`)}\0${readOrNothing(`/proc/${entry}/environ`)}`
    const [, state] = /\) (\S)/.exec(readOrNothing(`/proc/${entry}/stat`)) ?? []
    if (words.includes(text) && state !== 'Z') found.push(Number(entry))
  }
  return found
}

/** Ids of all living descendants of a process, children first. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = parentOf(Number(entry))
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const found: number[] = []
  const pending = [...(children.get(pid) ?? [])]
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    found.push(next)
    pending.push(...(children.get(next) ?? []))
  }
  return found
}

/** The command line of a process, its words parted by spaces. */
export function commandOf(pid: number): string {
  return readOrNothing(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

/** A variable of the environment that a process was started with. */
export function variableOf(pid: number, name: string): string | undefined {
  const entries = readOrNothing(`/proc/${pid}/environ`).split('\0')
  return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  const [, state] = /\) (\S)/.exec(readOrNothing(`/proc/${pid}/stat`)) ?? []
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** The process that listens on an IPv4 address and port; undefined if none of ours does. */
export function listenerPid(address: string, port: number): number | undefined {
  return listenerPids(address, port)[0]
}

/**
 * The processes that accept on an IPv4 address and port. A supervisor that only keeps the descriptor for its children is
 * none of them.
 */
export function listenerPids(address: string, port: number): number[] {
  const sockets = socketsAt(address, port, '0A')
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const owners = pids.filter((pid) => descriptorsOf(pid).some((link) => sockets.has(link))).map(Number)
  const keepers = new Set(owners.map(parentOf))
  return owners.filter((pid) => !keepers.has(pid))
}

/** How many connections that were made to an IPv4 address and port a process holds. */
export function acceptedConnections(pid: number, address: string, port: number): number {
  const sockets = socketsAt(address, port, '01')
  return descriptorsOf(String(pid)).filter((link) => sockets.has(link)).length
}

// What a descriptor of such a socket links to, by its local end and state.
function socketsAt(address: string, port: number, state: string): Set<string> {
  const rows = readOrNothing('/proc/net/tcp')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const found = rows.filter((fields) => fields[3] === state && readable(fields[1] ?? '') === `${address}:${port}`)
  return new Set(found.map((fields) => `socket:[${fields[9]}]`))
}

function parentOf(pid: number): number {
  // The name in brackets may hold spaces: the parent's id is the second field after the last bracket.
  return Number(readOrNothing(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1])
}

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => linkOrNothing(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function linkOrNothing(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function readable(hex: string): string {
  const [address = '', port = ''] = hex.split(':')
  const bytes = address.match(/../g) ?? []
  return `${bytes
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')}:${Number.parseInt(port, 16)}`
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
