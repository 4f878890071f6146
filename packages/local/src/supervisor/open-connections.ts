// How many connections a local address has accepted and still holds, as the kernel tells it.
import { readFile } from 'node:fs/promises'

const tables = ['/proc/net/tcp', '/proc/net/tcp6']
/** ESTABLISHED and CLOSE_WAIT: the application has not closed yet. */
const open = new Set(['01', '08'])

/** Open connections whose local end is this IPv4 address; undefined where the kernel does not tell (not Linux). */
export async function connectionsAt(address: string): Promise<number | undefined> {
  const texts = await Promise.all(tables.map((table) => readFile(table, 'latin1').catch(() => undefined)))
  if (texts.every((text) => text === undefined)) return undefined
  return texts.reduce((sum, text) => sum + countIn(text ?? '', address), 0)
}

/** Counts in the text of one table; an IPv4 address in the table of IPv6 has its digits at the end. */
export function countIn(table: string, address: string): number {
  const bytes = address.split('.').map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
  const wanted = `${bytes.reverse().join('')}:`
  let count = 0
  for (const line of table.split('\n')) {
    const [, local = '', , state = ''] = line.trim().split(/\s+/)
    if (open.has(state) && local.slice(-13).startsWith(wanted)) count++
  }
  return count
}
