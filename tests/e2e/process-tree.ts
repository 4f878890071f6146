// What is left on the machine: processes by their command line, sockets by their address. Linux only (/proc).
import { readdirSync, readFileSync } from 'node:fs'

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
    // The name in brackets may hold spaces: the parent's id is the second field after the last bracket.
    const fields = readOrNothing(`/proc/${entry}/stat`).split(') ').at(-1)?.split(' ') ?? []
    const parent = Number(fields[1])
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

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  const [, state] = /\) (\S)/.exec(readOrNothing(`/proc/${pid}/stat`)) ?? []
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** `address:port` of every TCP listener on 127.0.0.0/8. */
export function loopbackListeners(): string[] {
  return readOrNothing('/proc/net/tcp')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A')
    .map((fields) => readable(fields[1] ?? ''))
    .filter((address) => address.startsWith('127.'))
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
