// Rules of a VirtualService that an earlier one leaves nothing to do.
import { canonicalJson } from '../../content-hash.ts'
import type { Check, Fault } from '../check.ts'
import { type Fields, fieldsOf, itemsOf, textOf, type WrittenObject } from '../written-object.ts'
import { coversMatch, type MatchProtocol } from './match-cover.ts'

interface EarlierMatch {
  readonly match: Fields
  readonly text: string
  readonly rule: number
  readonly name: string
}

function* checkRules({ spec }: WrittenObject): Iterable<Fault> {
  for (const protocol of ['http', 'tls', 'tcp'] as const) yield* checkProtocol(itemsOf(spec[protocol]), protocol)
}

function* checkProtocol(rules: readonly Fields[], protocol: MatchProtocol): Iterable<Fault> {
  const earlier: EarlierMatch[] = []
  let takesAll: { readonly rule: number; readonly name: string } | undefined
  for (const [i, rule] of rules.entries()) {
    const field = `spec.${protocol}[${i}]`
    const name = ruleName(rule, i)
    const matches = itemsOf(rule['match'])
    if (takesAll !== undefined) {
      const message = `never runs: ${takesAll.name} takes every request before it`
      const mend = `Move it before ${takesAll.name}, give that one a \`match\`, or remove it.`
      yield { code: matches.length === 0 ? 'IST0130' : 'WEFT0105', field, message, mend }
      if (matches.length === 0) continue
    }
    if (matches.length === 0) takesAll ??= { rule: i, name }
    yield* checkMatches(matches, { earlier, protocol, field, rule: i, name })
  }
}

interface Place {
  readonly earlier: EarlierMatch[]
  readonly protocol: MatchProtocol
  readonly field: string
  readonly rule: number
  readonly name: string
}

function* checkMatches(matches: readonly Fields[], place: Place): Iterable<Fault> {
  const { earlier, protocol, field, rule, name } = place
  let repeated = 0
  let covered = 0
  for (const [j, each] of matches.entries()) {
    const { name: _, ...match } = each
    const text = canonicalJson(match)
    const found =
      earlier.find((other) => other.text === text) ?? earlier.find((other) => coversMatch(other.match, match, protocol))
    if (found !== undefined) {
      if (found.text === text) repeated++
      if (found.rule < rule) covered++
      const known = found.text === text || coversAsIstioSees(found.match, match)
      const where = found.rule === rule ? 'an earlier match of this rule' : `a match of ${found.name}`
      const message = `has no effect: ${where} ${found.text === text ? 'says the same' : 'takes all that it takes'}`
      const mend = 'Remove it, or move it before the other.'
      yield { code: known ? 'IST0131' : 'WEFT0111', field: `${field}.match[${j}]`, message, mend }
    }
    if (found?.text !== text) earlier.push({ match, text, rule, name })
  }
  if (matches.length === 0) return
  const message = 'never runs: earlier matches take all that it takes'
  const mend = 'Move it before the others, or remove it.'
  if (repeated === matches.length) yield { code: 'IST0130', field, message, mend }
  else if (covered === matches.length) yield { code: 'WEFT0105', field, message, mend }
}

/** Istio's analysis sees that a prefix covers a longer one, and nothing else that differs. */
function coversAsIstioSees(wide: Fields, narrow: Fields): boolean {
  const prefix = fieldsOf(wide['uri'])['prefix']
  const longer = fieldsOf(narrow['uri'])['prefix']
  return typeof prefix === 'string' && typeof longer === 'string'
}

function ruleName(rule: Fields, index: number): string {
  const name = textOf(rule['name'])
  return name === '' ? `rule ${index}` : `rule ${JSON.stringify(name)}`
}

/** The check. */
export const ruleOrder: readonly Check[] = [
  { name: 'virtual-service-validation', kinds: ['VirtualService.networking.istio.io'], run: checkRules },
]
