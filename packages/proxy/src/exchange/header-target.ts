import type { HeaderTarget } from '@weft/engine'
import { dropHeader, headerSafe } from '../codec/head-edits.ts'
import type { MessageHead } from '../codec/message-head.ts'

/** Framing and routing are the codec's own: configuration cannot change them by header. */
const untouchable = new Set(['content-length', 'transfer-encoding', 'connection', ':path', ':method', ':scheme'])

/** The fixed additions of header rules as a head takes them; undefined: one of them is no mere addition. */
export function safeAdditions(lines: readonly string[] | undefined): readonly string[] | undefined {
  if (lines === undefined) return undefined
  const names = lines.filter((_, index) => index % 2 === 0)
  if (names.some((name) => untouchable.has(name) || name === 'host' || name === ':authority')) return undefined
  return lines.map((text, index) => (index % 2 === 0 ? text : headerSafe(text)))
}

/** Lets the engine's header rules change a received head. */
export class HeadTarget implements HeaderTarget {
  readonly #head: MessageHead
  readonly #setAuthority: ((value: string) => void) | undefined

  /** `setAuthority`: requests only; rules may name `host` or `:authority`. */
  constructor(head: MessageHead, setAuthority?: (value: string) => void) {
    this.#head = head
    this.#setAuthority = setAuthority
  }

  has(name: string): boolean {
    return this.#head.value(name) !== undefined
  }

  add(name: string, value: string): void {
    if (untouchable.has(name)) return
    if (name === 'host' || name === ':authority') this.#setAuthority?.(headerSafe(value))
    else this.#head.added.push(name, headerSafe(value))
  }

  set(name: string, value: string): void {
    if (untouchable.has(name)) return
    if (name !== 'host' && name !== ':authority') dropHeader(this.#head, name)
    this.add(name, value)
  }

  remove(name: string): void {
    if (!untouchable.has(name) && name !== 'host') dropHeader(this.#head, name)
  }
}
