// envoy.type.matcher.v3.StringMatcher and RegexMatcher, and config.core.v3.CidrRange.
import type { CidrRange, RegexMatchAndSubstitute, RegexMatcher, StringMatcher } from '@weft/xds/lean'
import { makeCidr } from '../match/cidr.ts'
import type { Cidr, Regex, ValueTest } from '../predicate.ts'
import { type Context, refuse, refuseForRegex } from './refusal.ts'

/** A StringMatcher as a condition. */
export function compileString(context: Context, at: string, matcher: StringMatcher): ValueTest {
  const ignoreCase = matcher.ignoreCase
  if (matcher.exact !== undefined) return { is: 'exact', value: matcher.exact, ignoreCase }
  if (matcher.prefix !== undefined) return { is: 'prefix', value: matcher.prefix, ignoreCase }
  if (matcher.suffix !== undefined) return { is: 'suffix', value: matcher.suffix, ignoreCase }
  if (matcher.contains !== undefined) return { is: 'contains', value: matcher.contains, ignoreCase }
  if (matcher.safeRegex !== undefined)
    return { is: 'regex', regex: compileRegex(context, `${at}.safe_regex`, matcher.safeRegex) }
  return refuse(at, 'no match pattern is set')
}

/** A RegexMatcher, checked with RE2's syntax. */
export function compileRegex(context: Context, at: string, matcher: RegexMatcher): Regex {
  if (context.options.regex === undefined) return refuseForRegex(at)
  const compiled = context.options.regex(matcher.regex)
  return compiled.ok ? compiled.value : refuse(`${at}.regex`, compiled.error)
}

/** A RegexMatchAndSubstitute. */
export function compileSubstitution(
  context: Context,
  at: string,
  rewrite: RegexMatchAndSubstitute,
): { readonly regex: Regex; readonly substitution: string } {
  if (rewrite.pattern === undefined) return refuse(`${at}.pattern`, 'is missing')
  return { regex: compileRegex(context, `${at}.pattern`, rewrite.pattern), substitution: rewrite.substitution }
}

/** A CidrRange. Without a prefix length the range is the whole family, as an unset wrapper is 0 in Envoy. */
export function compileCidr(at: string, range: CidrRange): Cidr {
  const cidr = makeCidr(range.addressPrefix, range.prefixLen ?? 0)
  return cidr ?? refuse(at, `${range.addressPrefix}/${range.prefixLen ?? 0} is not an address range`)
}
