// Which of several matching rules a request belongs to: what is asked of the request first, then the age of the route, its
// name, and the order of its rules. Envoy takes the first match of a list, so this is the order of that list.
import type { ObjectId } from '@weft/core'
import type { GrpcMatch, HttpMatch } from './rules.ts'

/** What routes have in common for this purpose. */
export interface Aged {
  readonly id: ObjectId
  readonly createdAt?: string
}

/** Older objects first, then by namespace and name. An object whose age is not known counts as the youngest. */
export function byAge(a: Aged, b: Aged): number {
  const ages = compare(a.createdAt ?? '9', b.createdAt ?? '9')
  return ages || compare(`${a.id.namespace}/${a.id.name}`, `${b.id.namespace}/${b.id.name}`)
}

/** One match of a rule of a route, as an item to be ordered. */
export interface Ranked {
  readonly route: Aged
  /** Of what it asks; compared item by item, higher first. */
  readonly rank: readonly number[]
  readonly ruleIndex: number
  readonly matchIndex: number
}

/** The order in which matches are tried. */
export function byPrecedence(a: Ranked, b: Ranked): number {
  for (let index = 0; index < Math.max(a.rank.length, b.rank.length); index++) {
    const difference = (b.rank[index] ?? 0) - (a.rank[index] ?? 0)
    if (difference !== 0) return difference
  }
  return byAge(a.route, b.route) || a.ruleIndex - b.ruleIndex || a.matchIndex - b.matchIndex
}

/**
 * Exact path before regular expression before prefix, longer before shorter, then a method, then the number of headers and of
 * query parameters.
 */
export function httpRank({ path, method, headers, queryParams }: HttpMatch): number[] {
  const value = path?.value ?? '/'
  const type = path?.type ?? 'PathPrefix'
  const kind = type === 'Exact' ? 3 : type === 'RegularExpression' ? 2 : 1
  // The slash at the end of a prefix says nothing.
  const length = type === 'PathPrefix' ? value.replace(/\/+$/, '').length : value.length
  return [kind, length, method === undefined ? 0 : 1, headers?.length ?? 0, queryParams?.length ?? 0]
}

/** The longest service, then the longest method, then the number of headers; exact names before regular expressions. */
export function grpcRank({ method, headers }: GrpcMatch): number[] {
  const exact = method === undefined || method.type === 'Exact' ? 1 : 0
  return [
    method === undefined ? 0 : 1 + exact,
    method?.service?.length ?? 0,
    method?.method?.length ?? 0,
    headers?.length ?? 0,
  ]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
