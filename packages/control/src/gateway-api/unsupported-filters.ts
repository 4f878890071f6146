// Filters that cannot be obeyed. Requests that should pass one may not go on without it.
import type { HttpFilter, WeightedBackendRef } from '@weft/resources'

/** What has filters. */
export interface Filtered {
  readonly filters?: readonly HttpFilter[]
  readonly backendRefs?: readonly (WeightedBackendRef & { readonly filters?: readonly HttpFilter[] })[]
}

/** The first filter of a rule that cannot be obeyed, and where it stands in the rule. */
export function unsupportedFilter(
  rule: Filtered,
  at: 'gateway' | 'mesh' = 'gateway',
): { readonly path: string; readonly type: string } | undefined {
  const backends = rule.backendRefs ?? []
  return [
    ...unknownOf(rule.filters, '', routeFilters, at),
    ...backends.flatMap(({ filters }, index) =>
      unknownOf(filters, `backendRefs[${index}].`, backends.length === 1 ? aloneFilters : backendFilters, at),
    ),
  ][0]
}

/** Where traffic is split, an arm changes headers and asks authorizers; a backend that is alone has its filters on the route. */
const backendFilters: ReadonlySet<string> = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'ExternalAuth'])
const aloneFilters: ReadonlySet<string> = new Set([...backendFilters, 'RequestMirror', 'URLRewrite', 'CORS'])
const routeFilters: ReadonlySet<string> = new Set([...aloneFilters, 'RequestRedirect'])

function unknownOf(
  filters: readonly HttpFilter[] | undefined,
  at: string,
  known: ReadonlySet<string>,
  where: 'gateway' | 'mesh',
): { readonly path: string; readonly type: string }[] {
  return (filters ?? []).flatMap(({ type }, index) =>
    // Sidecars have no filter that asks.
    known.has(type) && !(where === 'mesh' && type === 'ExternalAuth') ? [] : [{ path: `${at}filters[${index}]`, type }],
  )
}
