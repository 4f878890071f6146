// Words without quotes, as the quick reader of YAML takes them.

/** Thrown where only the full parser knows for certain, and caught by the quick reader: most of it is then free of checks for failure. */
export const giveUp = new Error('not plain')

const dash = 45

const nulls = new Set(['', '~', 'null', 'Null', 'NULL'])
const truths = new Set(['true', 'True', 'TRUE'])
const untruths = new Set(['false', 'False', 'FALSE'])

/** A word without quotes, by the core schema of YAML 1.2; throws `giveUp` where that needs the full parser. */
export function plainScalar(word: string): unknown {
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
