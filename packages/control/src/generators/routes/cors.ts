// Answers to pages of other origins, as per-route configuration of the CORS filter.
import type { Any } from '@bufbuild/protobuf/wkt'
import { type CorsPolicy, durationMs } from '@weft/resources'
import { FilterConfigSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { CorsPolicySchema } from '@weft/xds/es/envoy/extensions/filters/http/cors/v3/cors'
import { pack } from '../encode.ts'
import { corsFilter } from '../http-connection-manager.ts'
import { stringMatcher } from './route-match.ts'

/** The `typed_per_filter_config` of a route; optional, so that a proxy without the filter takes the rest of the routes. */
export function corsConfig(cors: CorsPolicy | undefined): Record<string, Any> {
  if (cors === undefined) return {}
  const { allowOrigins, allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge, allowCredentials } = cors
  const { unmatchedPreflights = 'UNSPECIFIED' } = cors
  const config = pack(CorsPolicySchema, {
    allowOriginStringMatch: allowOrigins.map(stringMatcher),
    allowMethods: allowMethods.join(','),
    allowHeaders: allowHeaders.join(','),
    exposeHeaders: exposeHeaders.join(','),
    maxAge: maxAge === undefined ? '' : String(Math.trunc(durationMs(maxAge) / 1000)),
    ...(allowCredentials === undefined ? {} : { allowCredentials: allowCredentials }),
    ...(unmatchedPreflights === 'UNSPECIFIED'
      ? {}
      : { forwardNotMatchingPreflights: unmatchedPreflights === 'FORWARD' }),
  })
  return { [corsFilter]: pack(FilterConfigSchema, { isOptional: true, config }) }
}
