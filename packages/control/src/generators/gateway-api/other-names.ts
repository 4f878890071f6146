// Matchers for all header names but some. RE2 knows no negation: a name differs from all of them where it leaves the tree of their
// letters, and there is one expression for each such place. Envoy takes only small expressions, so they are several.
import type { StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import type { Init } from '../init.ts'

/** Envoy refuses expressions whose program has more than 100 steps; an expression has about one for each of its characters. */
const largest = 70

/** Matchers of which one fits every header name except these and those of HTTP/2's pseudo headers. */
export function otherThan(names: readonly string[]): Init<typeof StringMatcherSchema>[] {
  const chunks: string[] = []
  for (const one of departures(names)) {
    const last = chunks.at(-1)
    if (last !== undefined && last.length + one.length < largest) chunks[chunks.length - 1] = `${last}|${one}`
    else chunks.push(one)
  }
  return chunks.map((regex) => ({ matchPattern: { case: 'safeRegex', value: { regex } } }))
}

/** Every way to be none of these names: a beginning of one that ends too early, or goes on otherwise. */
export function departures(names: readonly string[]): string[] {
  const known = new Set(names)
  const beginnings = new Set(names.flatMap((name) => Array.from(name, (_letter, at) => name.slice(0, at + 1))))
  return ['', ...[...beginnings].sort()].map((beginning) => {
    const next = [
      ...new Set([...beginnings].filter((one) => isNext(one, beginning)).map((one) => one.slice(-1))),
    ].sort()
    const unlike = [...(beginning === '' ? [':'] : []), ...next].map((letter) => (letter === '-' ? '\\-' : letter))
    const otherwise = unlike.length === 0 ? '.+' : `[^${unlike.join('')}].*`
    return `${beginning}${known.has(beginning) || beginning === '' ? otherwise : `(?:${otherwise})?`}`
  })
}

function isNext(longer: string, beginning: string): boolean {
  return longer.length === beginning.length + 1 && longer.startsWith(beginning)
}
