// Changes of a head that was received: nothing is rewritten, headers are marked as dropped and others are added.
import type { H1Head } from './h1-head.ts'

/** Drops every header of a kind. */
export function dropKind(head: H1Head, kind: number): void {
  if (!head.has(kind)) return
  for (let at = 0; at < head.count; at++) if (head.kinds[at] === kind) head.dropped[at] = 1
}

/** Drops every header of a lower-case name. */
export function dropHeader(head: H1Head, name: string): void {
  for (let at = 0; at < head.count; at++) if (head.isNamed(at, name)) head.dropped[at] = 1
  const { added } = head
  for (let at = 0; at < added.length; at += 2) {
    if (added[at] !== name) continue
    added.splice(at, 2)
    at -= 2
  }
}

/** Adds a header line; `name` is lower-case. */
export function addHeader(head: H1Head, name: string, value: string): void {
  head.added.push(name, value)
}

/** Puts one header in place of all of that lower-case name. */
export function setHeader(head: H1Head, name: string, value: string): void {
  dropHeader(head, name)
  head.added.push(name, value)
}

/** The header lines as they go on: ranges of the received text without what was dropped, then what was added. */
export function headerLines(head: H1Head): string {
  const { text, offsets, dropped, count, added } = head
  let lines = ''
  let from = head.firstLine
  for (let at = 0; at < count; at++) {
    if (dropped[at] === 0) continue
    const start = offsets[at * 5] as number
    if (start > from) lines += text.slice(from, start)
    from = offsets[at * 5 + 4] as number
  }
  const end = head.length - 2
  if (end > from) lines += text.slice(from, end)
  for (let at = 0; at < added.length; at += 2) lines += `${added[at]}: ${added[at + 1]}\r\n`
  return lines
}

const illegal = /[^\t\x20-\x7e\x80-\xff]/g

/** A text made safe to stand in a header: what may not stand there becomes a space. */
export function headerSafe(value: string): string {
  return illegal.test(value) ? value.replace(illegal, ' ') : value
}
