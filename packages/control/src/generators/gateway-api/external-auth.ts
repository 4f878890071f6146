// Asking an authorizer first: one ext_authz filter per authorizer in the connection manager, off until a route turns it on. What
// cannot be asked answers for the requests it should have judged.
import type { Any } from '@bufbuild/protobuf/wkt'
import { canonicalJson, type HttpExternalAuth } from '@weft/resources'
import {
  ExtAuthzPerRouteSchema,
  ExtAuthzSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/ext_authz/v3/ext_authz'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import type { ListStringMatcherSchema, StringMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/string'
import { authorizersOf, callerOf } from '../../gateway-api/authorizers.ts'
import { resolveBackend } from '../../gateway-api/backends.ts'
import type { RouteRefs } from '../../gateway-api/gateway-refs.ts'
import type { Route } from '../../gateway-api/objects.ts'
import { duration } from '../config-source.ts'
import { pack, versionOf } from '../encode.ts'
import { serviceHost } from '../hosts.ts'
import type { Init } from '../init.ts'
import { clusterOfTarget, type VariantRefs } from './clusters-of-backends.ts'
import { otherThan } from './other-names.ts'

type HttpFilterInit = Init<typeof HttpFilterSchema>
type Refs = RouteRefs & VariantRefs

/** How long an authorizer may think; then the request is denied. */
const answerTimeout = duration(10_000)

/** Headers of an authorizer's answer that describe that answer, and would be lies in a request. */
const ofTheAnswer = [
  'age',
  'authority',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-envoy-upstream-service-time',
]

interface Asked {
  readonly cluster: string
  readonly authority: string
  readonly auth: HttpExternalAuth
}

/** The filters for every authorizer that routes ask, each once. */
export function authorizerFilters(
  callers: readonly { readonly route: Route; readonly refs: Refs }[],
): HttpFilterInit[] {
  const filters = new Map<string, HttpFilterInit>()
  for (const { route, refs } of callers) {
    for (const auth of authorizersOf(route)) {
      const asked = askedOf(route, auth, refs)
      if (asked !== undefined) filters.set(filterName(asked), filterOf(asked))
    }
  }
  return [...filters].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, filter]) => filter)
}

/** What turns the filter of an authorizer on; `unreachable`: there is nobody to ask, so nobody may pass. */
export function authorizerOverride(
  route: Route,
  auth: HttpExternalAuth | undefined,
  refs: Refs,
): Record<string, Any> | 'unreachable' {
  if (auth === undefined) return {}
  const asked = askedOf(route, auth, refs)
  if (asked === undefined) return 'unreachable'
  const on = pack(ExtAuthzPerRouteSchema, { override: { case: 'checkSettings', value: {} } })
  return { [filterName(asked)]: on }
}

function askedOf(route: Route, auth: HttpExternalAuth, refs: Refs): Asked | undefined {
  const resolved = resolveBackend(route, auth.backendRef, refs)
  if (!resolved.ok) return undefined
  const { target } = resolved
  const cluster = clusterOfTarget(callerOf(route, auth), target, refs)
  const authority =
    target.kind === 'backend' ? (target.backend.spec.externalHostname?.hostname ?? '') : serviceHost(target.service)
  return { cluster, authority, auth }
}

/** The same for equal settings, so that routes share a filter. */
function filterName({ cluster, auth: { backendRef: _where, ...settings } }: Asked): string {
  return `envoy.filters.http.ext_authz/${versionOf(new TextEncoder().encode(canonicalJson({ cluster, settings })))}`
}

function filterOf(asked: Asked): HttpFilterInit {
  const { auth } = asked
  const allowed = auth.protocol === 'GRPC' ? auth.grpc?.allowedHeaders : auth.http?.allowedHeaders
  const maxSize = auth.forwardBody?.maxSize ?? 0
  const config = pack(ExtAuthzSchema, {
    services: auth.protocol === 'GRPC' ? grpcService(asked) : httpService(asked),
    ...(allowed === undefined || allowed.length === 0 ? {} : { allowedHeaders: exactNames(allowed) }),
    // What is longer goes there in part.
    ...(maxSize > 0 ? { withRequestBody: { maxRequestBytes: maxSize, allowPartialMessage: true } } : {}),
    transportApiVersion: 2,
  })
  return { name: filterName(asked), disabled: true, configType: { case: 'typedConfig', value: config } }
}

type Services = NonNullable<Init<typeof ExtAuthzSchema>['services']>

function grpcService({ cluster, authority }: Asked): Services {
  const targetSpecifier = { case: 'envoyGrpc' as const, value: { clusterName: cluster, authority } }
  return { case: 'grpcService', value: { targetSpecifier, timeout: answerTimeout } }
}

function httpService({ cluster, authority, auth: { http = {} } }: Asked): Services {
  const { path = '', allowedResponseHeaders = [] } = http
  const copied =
    allowedResponseHeaders.length > 0 ? exactNames(allowedResponseHeaders) : { patterns: otherThan(ofTheAnswer) }
  return {
    case: 'httpService',
    value: {
      serverUri: {
        uri: `http://${authority}`,
        httpUpstreamType: { case: 'cluster', value: cluster },
        timeout: answerTimeout,
      },
      pathPrefix: path,
      authorizationResponse: { allowedUpstreamHeaders: copied },
    },
  }
}

function exactNames(names: readonly string[]): Init<typeof ListStringMatcherSchema> {
  return {
    patterns: names.map((name): Init<typeof StringMatcherSchema> => {
      return { matchPattern: { case: 'exact', value: name.toLowerCase() } }
    }),
  }
}
