// Matches of a VirtualService as matches of an HTTPRoute. A condition that cannot be said takes its match with it: left out alone, more
// requests would match than were meant.
import type { PathStep } from '../field-path.ts'
import type { StringMatch } from '../networking/string-match.ts'
import type { HttpMatchRequest } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, escaped } from './conversion.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** The match, or undefined where it cannot be said. `rewrites`: the rule replaces the matched prefix. */
export function convertMatch(
  match: HttpMatchRequest,
  rewrites: boolean,
  at: readonly PathStep[],
  notes: ConversionNotes,
): object | undefined {
  const unsaid = unsayable(match)
  if (unsaid !== undefined) {
    const message = 'the Gateway API has no such condition, so that the whole match is left out'
    notes.lost([...at, unsaid], message, 'Tell the requests apart by path, header, query or method.')
    return undefined
  }
  const headers = Object.entries(match.headers ?? {}).map(([name, value]) => named(name, value))
  const queryParams = Object.entries(match.queryParams ?? {}).map(([name, value]) => named(name, value))
  if (rewrites && match.uri?.prefix !== undefined && match.uri.prefix !== '/') {
    const message = 'a prefix that is replaced ends at a "/" in the Gateway API'
    notes.lost(
      [...at, 'uri', 'prefix'],
      message,
      `Requests for ${match.uri.prefix}... without a "/" after it are not taken.`,
    )
  }
  return {
    ...(match.uri === undefined ? {} : { path: pathMatch(match.uri, rewrites, match.ignoreUriCase === true) }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(queryParams.length === 0 ? {} : { queryParams }),
    ...(match.method?.exact === undefined ? {} : { method: match.method.exact }),
  }
}

/** The condition of a match that the Gateway API does not have. */
export function unsayable(match: HttpMatchRequest): string | undefined {
  const { method } = match
  if (method !== undefined && !methods.includes(method.exact ?? '')) return 'method'
  for (const field of ['scheme', 'authority', 'withoutHeaders', 'sourceLabels', 'sourceNamespace', 'port'] as const) {
    const value = match[field]
    if (value !== undefined && (typeof value !== 'object' || Object.keys(value).length > 0)) return field
  }
  return undefined
}

/** Istio's prefixes are prefixes of the text, those of the Gateway API of the path's parts. */
function pathMatch(uri: StringMatch, rewrites: boolean, ignoreCase: boolean): object {
  const flag = ignoreCase ? '(?i)' : ''
  if (uri.exact !== undefined && !ignoreCase) return { type: 'Exact', value: uri.exact }
  if (uri.exact !== undefined) return { type: 'RegularExpression', value: `${flag}${escaped(uri.exact)}` }
  if (uri.regex !== undefined) return { type: 'RegularExpression', value: uri.regex }
  const prefix = uri.prefix ?? '/'
  if (prefix === '/' || (rewrites && !ignoreCase)) return { type: 'PathPrefix', value: prefix }
  return { type: 'RegularExpression', value: `${flag}${escaped(prefix)}.*` }
}

function named(name: string, value: StringMatch): object {
  if (value.exact !== undefined) return { name, value: value.exact }
  const expression = value.regex ?? (value.prefix === undefined ? '.*' : `${escaped(value.prefix)}.*`)
  return { name, type: 'RegularExpression', value: expression }
}
