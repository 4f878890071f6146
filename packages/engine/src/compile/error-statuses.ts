// The answers that count as errors of an endpoint: matchers of `:status`, alone or several of which one must hold.
import type * as lean from '@weft/xds/lean'
import type { Context } from './refusal.ts'

const field = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.OutlierDetection.error_matcher'

/** The statuses that a matcher of answers names; undefined where nobody asks, or by what is not read: that is listed. */
export function compileErrorStatuses(
  context: Context,
  options: lean.HttpOutlierDetection | undefined,
): ReadonlySet<number> | undefined {
  if (options?.errorMatcher === undefined) return undefined
  const { orMatch } = options.errorMatcher
  const rules = orMatch === undefined ? [options.errorMatcher] : orMatch.rules
  const statuses = rules.map(statusOf)
  if (statuses.every((status) => status !== undefined)) return new Set(statuses)
  context.unlisted.push(field)
  return undefined
}

function statusOf({ httpResponseHeadersMatch }: lean.MatchPredicate): number | undefined {
  const [header, ...others] = httpResponseHeadersMatch?.headers ?? []
  if (header?.name !== ':status' || others.length > 0 || header.invertMatch) return undefined
  const exact = header.stringMatch?.exact ?? header.exactMatch
  return exact !== undefined && /^[1-5]\d\d$/.test(exact) ? Number(exact) : undefined
}
