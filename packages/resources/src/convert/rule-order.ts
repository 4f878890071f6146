// In a VirtualService the first rule that matches holds, in the Gateway API the most specific one.
import type { HttpMatchRequest, HttpRoute } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, escaped } from './conversion.ts'
import { unsayable } from './istio-matches.ts'

/** Says which rules would go before rules that they stand behind. */
export function orderNotes(rules: readonly HttpRoute[], notes: ConversionNotes): void {
  for (const [later, rule] of rules.entries()) {
    const earlier = rules.findIndex((other, index) => index < later && goesBefore(rule, other))
    if (earlier === -1) continue
    const message = `is more specific than rule ${earlier} (spec.http[${earlier}]), and so goes before it in the Gateway API`
    notes.lost(['spec', 'http', later], message, 'Make the matches of the two exclude each other.')
  }
}

function goesBefore(rule: HttpRoute, other: HttpRoute): boolean {
  return said(rule).some((a) => said(other).some((b) => overlap(a, b) && compare(rank(a), rank(b)) > 0))
}

function said({ match = [{}] }: HttpRoute): HttpMatchRequest[] {
  return match.filter((each) => unsayable(each) === undefined)
}

/** Whether some request may fit both: known not to when two exact values differ, or a path lacks a prefix. */
function overlap(a: HttpMatchRequest, b: HttpMatchRequest): boolean {
  const pathA = a.uri?.exact
  const pathB = b.uri?.exact
  if (pathA !== undefined && pathB !== undefined && pathA !== pathB) return false
  if (pathA !== undefined && b.uri?.prefix !== undefined && !pathA.startsWith(b.uri.prefix)) return false
  if (pathB !== undefined && a.uri?.prefix !== undefined && !pathB.startsWith(a.uri.prefix)) return false
  if (a.uri?.prefix !== undefined && b.uri?.prefix !== undefined) {
    const [short, long] = [a.uri.prefix, b.uri.prefix].sort((x, y) => x.length - y.length) as [string, string]
    if (!long.startsWith(short)) return false
  }
  if (a.method?.exact !== undefined && b.method?.exact !== undefined && a.method.exact !== b.method.exact) return false
  return Object.entries(a.headers ?? {}).every(([name, { exact }]) => {
    const other = b.headers?.[name]?.exact
    return exact === undefined || other === undefined || exact === other
  })
}

/** What the Gateway API compares, in its order; expressions stand between exact paths and prefixes. */
function rank({ uri, method, headers, queryParams }: HttpMatchRequest): readonly number[] {
  const prefix = uri?.prefix === undefined || uri.prefix === '/' ? undefined : `${escaped(uri.prefix)}.*`
  const expression = uri?.regex ?? prefix
  return [
    uri?.exact !== undefined ? 3 : expression === undefined ? 1 : 2,
    (uri?.exact ?? expression ?? '').length,
    method === undefined ? 0 : 1,
    Object.keys(headers ?? {}).length,
    Object.keys(queryParams ?? {}).length,
  ]
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
