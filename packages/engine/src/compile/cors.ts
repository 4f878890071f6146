// envoy.extensions.filters.http.cors.v3.CorsPolicy.
import type { CorsPolicy as LeanCorsPolicy } from '@weft/xds/lean'
import type { CorsPolicy } from '../model.ts'
import { compileFraction } from './fraction.ts'
import type { Context } from './refusal.ts'
import { compileString } from './string-matcher.ts'

const always = { numerator: 1, denominator: 1 }
const never = { numerator: 0, denominator: 1 }

/** A CorsPolicy; empty texts count as not written, as in Envoy. */
export function compileCors(context: Context, at: string, policy: LeanCorsPolicy): CorsPolicy {
  const { filterEnabled, shadowEnabled } = policy
  return {
    origins: policy.allowOriginStringMatch.map((matcher, index) =>
      compileString(context, `${at}.allow_origin_string_match[${index}]`, matcher),
    ),
    methods: policy.allowMethods || undefined,
    headers: policy.allowHeaders || undefined,
    expose: policy.exposeHeaders || undefined,
    maxAge: policy.maxAge || undefined,
    credentials: policy.allowCredentials,
    privateNetwork: policy.allowPrivateNetworkAccess,
    forwardsOthers: policy.forwardNotMatchingPreflights,
    enabled: filterEnabled === undefined ? always : compileFraction(filterEnabled.defaultValue),
    shadow: shadowEnabled === undefined ? never : compileFraction(shadowEnabled.defaultValue),
  }
}
