// AuthorizationPolicies with action CUSTOM: RBAC marks the requests they are about, and the provider is asked about these.
import { durationMs, type ExtAuthzBody, type ExtensionProvider } from '@weft/resources'
import { RBAC_Action, type PolicySchema } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import {
  type BufferSettingsSchema,
  ExtAuthzSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/ext_authz/v3/ext_authz'
import { RBACSchema as HttpRbacSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import type { StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import type { StatusCode } from '@weft/xds/es/envoy/type/v3/http_status'
import { duration } from '../generators/config-source.ts'
import { pack } from '../generators/encode.ts'
import type { Init } from '../generators/init.ts'
import type { ProviderHost } from '../generators/provider-host.ts'
import { wildcard } from './rbac-matchers.ts'

type HttpFilterInit = Init<typeof HttpFilterSchema>

/** Before names of policies that are marked, and of what they leave in the metadata. */
const policyPrefix = 'istio-ext-authz'
const shadowPrefix = 'istio_ext_authz_'

/** Who may be asked about requests; without a place nobody can be. */
export interface AskedProvider {
  readonly provider: ExtensionProvider
  readonly at?: ProviderHost
}

/** The filters for one provider and the policies that name it. */
export function extAuthz(
  provider: Required<AskedProvider>,
  policies: Readonly<Record<string, Init<typeof PolicySchema>>>,
  index: number,
): HttpFilterInit[] {
  // Each provider looks for marks of its own.
  const prefix = index === 0 ? shadowPrefix : `${shadowPrefix}${index}_`
  const marked = Object.fromEntries(
    Object.entries(policies).map(([name, policy]) => [`${policyPrefix}-${name}`, policy]),
  )
  const marks = pack(HttpRbacSchema, {
    shadowRules: { action: RBAC_Action.DENY, policies: marked },
    shadowRulesStatPrefix: prefix,
  })
  return [
    { name: 'envoy.filters.http.rbac', configType: { case: 'typedConfig', value: marks } },
    { name: 'envoy.filters.http.ext_authz', configType: { case: 'typedConfig', value: asking(provider, prefix) } },
  ]
}

function asking({ provider, at }: Required<AskedProvider>, prefix: string): ReturnType<typeof pack> {
  const { envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = provider
  const common = http ?? grpc
  const status = common?.statusOnError
  return pack(ExtAuthzSchema, {
    services: http === undefined ? grpcService(grpc, at) : httpService(http, at),
    failureModeAllow: common?.failOpen === true,
    ...(status === undefined ? {} : { statusOnError: { code: Number(status) as StatusCode } }),
    ...bodySettings(common?.includeRequestBodyInCheck),
    ...patternList('allowedHeaders', http?.includeRequestHeadersInCheck ?? []),
    filterEnabledMetadata: {
      filter: 'envoy.filters.http.rbac',
      path: [{ segment: { case: 'key', value: `${prefix}shadow_effective_policy_id` } }],
      value: {
        matchPattern: { case: 'stringMatch', value: { matchPattern: { case: 'prefix', value: policyPrefix } } },
      },
    },
    transportApiVersion: 2,
  })
}

type Services = NonNullable<Init<typeof ExtAuthzSchema>['services']>

function grpcService(grpc: ExtensionProvider['envoyExtAuthzGrpc'], { host, cluster }: ProviderHost): Services {
  return {
    case: 'grpcService',
    value: {
      targetSpecifier: {
        case: 'envoyGrpc',
        value: { clusterName: cluster, authority: host },
      },
      timeout: duration(durationMs(grpc?.timeout) ?? 600_000),
    },
  }
}

function httpService(
  http: NonNullable<ExtensionProvider['envoyExtAuthzHttp']>,
  { host, cluster }: ProviderHost,
): Services {
  const { timeout, pathPrefix = '', includeAdditionalHeadersInCheck = {} } = http
  const { headersToUpstreamOnAllow = [], headersToDownstreamOnAllow = [], headersToDownstreamOnDeny = [] } = http
  return {
    case: 'httpService',
    value: {
      serverUri: {
        uri: `http://${host}`,
        httpUpstreamType: { case: 'cluster', value: cluster },
        timeout: duration(durationMs(timeout) ?? 600_000),
      },
      pathPrefix,
      authorizationRequest: {
        headersToAdd: Object.entries(includeAdditionalHeadersInCheck)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => ({ key, value: value.replaceAll('%', '%%') })),
      },
      authorizationResponse: {
        ...patternList('allowedUpstreamHeaders', headersToUpstreamOnAllow),
        ...patternList('allowedClientHeadersOnSuccess', headersToDownstreamOnAllow),
        ...patternList('allowedClientHeaders', headersToDownstreamOnDeny),
      },
    },
  }
}

/** A list under its name; Envoy takes none that is empty. */
function patternList<K extends string>(
  key: K,
  names: readonly string[],
): { readonly [name in K]?: { readonly patterns: Init<typeof StringMatcherSchema>[] } } {
  return names.length === 0
    ? {}
    : ({ [key]: { patterns: patterns(names) } } as Record<K, { patterns: Init<typeof StringMatcherSchema>[] }>)
}

/** Names of headers, with a wildcard at either end; `*` is all of them. */
function patterns(names: readonly string[]): Init<typeof StringMatcherSchema>[] {
  return names.map((name) => {
    if (name === '*') return wildcard(name)
    const kind = name.startsWith('*') ? 'suffix' : name.endsWith('*') ? 'prefix' : 'exact'
    const value = name.replace('*', '')
    return { matchPattern: { case: kind, value }, ignoreCase: true }
  })
}

function bodySettings(body: ExtAuthzBody | undefined): { withRequestBody?: Init<typeof BufferSettingsSchema> } {
  if (body === undefined) return {}
  const { maxRequestBytes = 0, allowPartialMessage = false, packAsBytes = false } = body
  return { withRequestBody: { maxRequestBytes, allowPartialMessage, packAsBytes } }
}
