// Words of YAML, for the quick reader: keys, texts in quotes, and what a word without quotes means.

/** Thrown by the quick reader, caught where it is called: most of it is then free of checks for failure. */
export const giveUp = new Error('not plain')

/** Characters that mean something. */
export const newline = 10
export const space = 32
export const hash = 35
export const dash = 45
export const colon = 58

/** Adds a member. */
export function set(value: Record<string, unknown>, name: string, member: unknown): void {
  // `__proto__` must stay an ordinary (and unknown) field.
  if (name === '__proto__') throw giveUp
  value[name] = member
}

/** Offset of the quote that closes the one at `from`, on the same line. */
export function quoteEnd(text: string, from: number): number {
  const quote = text.charCodeAt(from)
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === newline) throw giveUp
    if (code === 0x5c && quote === 0x22) at++
    else if (code === quote) {
      if (quote === 0x22 || text.charCodeAt(at + 1) !== quote) return at
      at++
    }
  }
  throw giveUp
}

/** The text between two quotes. */
export function quoted(text: string, from: number, last: number): string {
  const inside = text.slice(from + 1, last)
  if (text.charCodeAt(from) === 0x27) return inside.replaceAll("''", "'")
  if (!inside.includes('\\')) return inside
  // Escapes that JSON and YAML share; YAML has more.
  if (/\\[^"\\/bfnrt]/.test(inside.replace(/\\\\/g, ''))) throw giveUp
  return JSON.parse(`"${inside}"`) as string
}

/** A key without quotes. With a colon in it, it may be an address (`2001:db8::`) that only the full parser tells apart. */
export function keyText(word: string): string {
  if (word === '' || word.includes(':')) throw giveUp
  const value = plain(word)
  return value === null ? '' : String(value)
}

const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])
const truths = new Set(['true', 'True', 'TRUE'])
const untruths = new Set(['false', 'False', 'FALSE'])

/** A word without quotes, by the core schema of YAML 1.2. */
export function plain(word: string): unknown {
  const code = word.charCodeAt(0)
  // Letters but n, N, t, T, f, F begin nothing but text.
  if (nulls.has(word)) return null
  if (truths.has(word)) return true
  if (untruths.has(word)) return false
  if ((code >= 0x30 && code <= 0x39) || code === dash || code === 0x2b || code === 0x2e) return numberOrText(word)
  if ('?:,[]{}#&*!|>\'"%@`'.includes(word.charAt(0))) throw giveUp
  return word
}

function numberOrText(word: string): unknown {
  if (/^(?:0|[1-9]\d{0,14})$/.test(word)) return Number(word)
  if (/^-[1-9]\d{0,14}$/.test(word)) return Number(word)
  if (/^(?:0|[1-9]\d{0,8})\.\d{1,6}$/.test(word)) return Number(word)
  // Other numbers (octal, hexadecimal, exponents, signs, not a number, ...) are rare.
  if (/^[-+]?(?:\d+|0o[0-7]+|0x[0-9a-fA-F]+|\.?\d+\.?\d*(?:[eE][-+]?\d+)?|\.(?:inf|Inf|INF|nan|NaN|NAN))$/.test(word))
    throw giveUp
  if (word === '-' || word.startsWith('- ') || word.startsWith('---') || word.startsWith('...')) throw giveUp
  return word
}
