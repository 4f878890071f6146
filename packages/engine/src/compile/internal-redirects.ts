// envoy.config.route.v3.InternalRedirectPolicy.
import * as lean from '@weft/xds/lean'
import type { InternalRedirects, RedirectPredicate } from '../model.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** Statuses that can be followed; others that are listed are passed over, as by Envoy. */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The policy with Envoy's defaults: one redirect, of status 302. */
export function compileInternalRedirects(
  context: Context,
  at: string,
  policy: lean.InternalRedirectPolicy | undefined,
): InternalRedirects | undefined {
  if (policy === undefined) return undefined
  const { redirectResponseCodes: codes, responseHeadersToCopy: copied } = policy
  copied.forEach((name, index) => {
    if (name === '' || name.startsWith(':')) refuse(`${at}.response_headers_to_copy[${index}]`, 'names no header')
  })
  return {
    most: policy.maxInternalRedirects ?? 1,
    statuses: new Set(codes.length === 0 ? [302] : codes.filter((code) => redirects.has(code))),
    predicates: policy.predicates.map(({ typedConfig }, index) =>
      compilePredicate(context, `${at}.predicates[${index}].typed_config`, typedConfig),
    ),
    crossScheme: policy.allowCrossSchemeRedirect,
    copiedHeaders: copied.map((name) => name.toLowerCase()),
  }
}

/** One that is not known is refused: without it more would be followed than was asked for. */
function compilePredicate(
  context: Context,
  at: string,
  any: lean.TypedExtensionConfig['typedConfig'],
): RedirectPredicate {
  switch (any?.typeUrl) {
    case lean.typeUrls.PreviousRoutesConfig:
      return { kind: 'previous-routes' }
    case lean.typeUrls.SafeCrossSchemeConfig:
      return { kind: 'safe-cross-scheme' }
    case lean.typeUrls.AllowListedRoutesConfig: {
      const { allowedRouteNames: names } = readPart(context, at, lean.readAllowListedRoutesConfig, any.value)
      if (names.includes('')) refuse(`${at}.allowed_route_names`, 'holds an empty name')
      return { kind: 'allow-listed-routes', names: new Set(names) }
    }
    default:
      return refuse(at, `the predicate ${any?.typeUrl ?? 'nothing'} is not known`)
  }
}
