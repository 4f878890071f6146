// Filters that cannot be obeyed. Requests that should pass one may not go on without it.
import type { HttpFilter } from '@weft/resources'
import { type Filtered, policyKindOf } from './filter-policies.ts'

/** The first filter of a rule that cannot be obeyed, and where it stands in the rule. */
export function unsupportedFilter(
  rule: Filtered,
  at: 'gateway' | 'mesh' = 'gateway',
): { readonly path: string; readonly type: string } | undefined {
  const backends = rule.backendRefs ?? []
  const [only] = backends
  const alone = backends.length === 1 ? (only?.filters ?? []) : []
  const redirects = [...(rule.filters ?? []), ...alone].some(({ type }) => type === 'RequestRedirect')
  const known = redirects ? redirectFilters : routeFilters
  return [
    ...unknownOf(rule.filters, '', known, at),
    ...backends.flatMap(({ filters }, index) =>
      unknownOf(filters, `backendRefs[${index}].`, backends.length === 1 ? known : backendFilters, at),
    ),
  ][0]
}

/** Where traffic is split, an arm changes headers and asks authorizers; a backend that is alone has its filters on the route. */
const backendFilters: ReadonlySet<string> = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'ExternalAuth'])
const routeFilters: ReadonlySet<string> = new Set([
  ...backendFilters,
  'RequestMirror',
  'URLRewrite',
  'CORS',
  'ExtensionRef',
  'RequestRedirect',
])
/** Redirects are neither counted nor sent anywhere. */
const redirectFilters: ReadonlySet<string> = new Set([...routeFilters].filter((type) => type !== 'ExtensionRef'))

/** Sidecars have no filter that asks, and none that counts calls. */
function gatewaysOnly({ type, extensionRef }: HttpFilter): boolean {
  return type === 'ExternalAuth' || (extensionRef !== undefined && policyKindOf(extensionRef) === 'RateLimit')
}

function unknownOf(
  filters: readonly HttpFilter[] | undefined,
  at: string,
  known: ReadonlySet<string>,
  where: 'gateway' | 'mesh',
): { readonly path: string; readonly type: string }[] {
  return (filters ?? []).flatMap((filter, index) =>
    known.has(filter.type) && !(where === 'mesh' && gatewaysOnly(filter))
      ? []
      : [{ path: `${at}filters[${index}]`, type: filter.type }],
  )
}
