import { parseAddress } from '@weft/engine'

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const dotted = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** How an address is written; undefined: it is none. Numbers with leading zeros, which some read as octal, are none. */
export function addressFamily(text: string): 4 | 6 | undefined {
  if (!text.includes(':')) return dotted.test(text) && !/(?:^|\.)0\d/.test(text) ? 4 : undefined
  return parseAddress(text) === undefined ? undefined : 6
}
