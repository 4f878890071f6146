// Changes of a head that was received: nothing is rewritten, headers are marked as dropped and others are added.
import type { MessageHead } from './message-head.ts'

/** Drops every header of a kind. */
export function dropKind(head: MessageHead, kind: number): void {
  dropKinds(head, 1 << kind)
}

/** Drops every header of some kinds: a bit each. */
export function dropKinds(head: MessageHead, bits: number): void {
  const { count, kinds, seen } = head
  if ((seen & bits) === 0) return
  for (let at = 0; at < count; at++) if ((bits & (1 << (kinds[at] as number))) !== 0) head.drop(at)
}

/** Drops every header of a lower-case name. */
export function dropHeader(head: MessageHead, name: string): void {
  for (let at = 0; at < head.count; at++) if (head.isNamed(at, name)) head.drop(at)
  const { added } = head
  for (let at = 0; at < added.length; at += 2) {
    if (added[at] !== name) continue
    added.splice(at, 2)
    at -= 2
  }
}

/** Adds a header line; `name` is lower-case. */
export function addHeader(head: MessageHead, name: string, value: string): void {
  head.added.push(name, value)
}

/** Adds header lines: names (lower-case) and values in turn. */
export function addLines(head: MessageHead, lines: readonly string[]): void {
  const { added } = head
  for (let at = 0; at < lines.length; at++) added.push(lines[at] as string)
}

/** Puts one header in place of all of that lower-case name. */
export function setHeader(head: MessageHead, name: string, value: string): void {
  dropHeader(head, name)
  head.added.push(name, value)
}

const illegal = /[^\t\x20-\x7e\x80-\xff]/g

/** A text made safe to stand in a header: what may not stand there becomes a space. */
export function headerSafe(value: string): string {
  return illegal.test(value) ? value.replace(illegal, ' ') : value
}
