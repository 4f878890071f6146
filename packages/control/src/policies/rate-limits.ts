// RateLimits as filters: one per policy, with a bucket for each of its limits. A filter counts nothing by itself: routes that the
// policy is about make descriptors of their requests, so that all of them share its buckets.
import { create, fromJson, toJson } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { anyPack } from '@bufbuild/protobuf/wkt'
import type { RequestLimit, SpecByKind } from '@weft/resources'
import {
  type HeaderMatcherSchema,
  type RateLimit_ActionSchema,
  type RateLimitSchema,
} from '@weft/xds/es/envoy/config/route/v3/route_components'
import { HeaderValueOption_HeaderAppendAction as AppendAction } from '@weft/xds/es/envoy/config/core/v3/base'
import type { LocalRateLimitDescriptorSchema } from '@weft/xds/es/envoy/extensions/common/ratelimit/v3/ratelimit'
import { LocalRateLimitSchema } from '@weft/xds/es/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import type { StatusCode } from '@weft/xds/es/envoy/type/v3/http_status'
import { FractionalPercent_DenominatorType as Denominator } from '@weft/xds/es/envoy/type/v3/percent'
import type { TokenBucketSchema } from '@weft/xds/es/envoy/type/v3/token_bucket'
import { type AttachablePolicy, nearest, type PolicyTarget } from '../gateway-api/attached-policies.ts'
import { duration } from '../generators/config-source.ts'
import { pack } from '../generators/encode.ts'
import type { Init } from '../generators/init.ts'
import { typedStructs, typedStructUrl } from '../patches/typed-struct.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

type HttpFilterInit = Init<typeof HttpFilterSchema>
type ActionInit = Init<typeof RateLimit_ActionSchema>
/** A RateLimit with its content. */
export type RateLimit = SnapshotObject<SpecByKind['RateLimit']>

/** Values that are counted apart at a time; those not seen for the longest start anew. */
const mostValues = 10_000
const unitMs = { Second: 1000, Minute: 60_000, Hour: 3_600_000, Day: 86_400_000 } as const
const unlimited = 4_294_967_295

/** The RateLimits on a way: each object on it has one, and all of them hold. */
export function rateLimitsOn(attached: readonly AttachablePolicy[], way: readonly PolicyTarget[]): RateLimit[] {
  return [...new Set(way.flatMap((target) => nearest('RateLimit', attached, [target]) ?? []))]
}

/** Those that are RateLimits. */
export function rateLimitsAmong(policies: readonly AttachablePolicy[]): RateLimit[] {
  return policies.filter((policy): policy is RateLimit => policy.id.kind === 'RateLimit')
}

/** The filter of a RateLimit. */
export function rateLimitFilter(policy: RateLimit, flavor: 'weft' | 'envoy'): HttpFilterInit {
  return { name: filterName(policy), configType: { case: 'typedConfig', value: configOf(policy, flavor) } }
}

/** What a route makes of its requests, so that they are counted. */
export function rateLimitActions(policies: readonly RateLimit[]): Init<typeof RateLimitSchema>[] {
  return policies.flatMap((policy) =>
    policy.spec.limits.map((limit, index) => ({ actions: actionsOf(policy, limit, index) })),
  )
}

function filterName({ id }: RateLimit): string {
  return `envoy.filters.http.local_ratelimit/${id.namespace}/${id.name}`
}

function configOf(policy: RateLimit, flavor: 'weft' | 'envoy'): Any {
  const { spec } = policy
  const all = { numerator: 100, denominator: Denominator.HUNDRED }
  const config: Init<typeof LocalRateLimitSchema> = {
    statPrefix: 'http_local_rate_limiter',
    status: { code: spec.status as StatusCode },
    // Each limit is a descriptor; what none is made for is not limited.
    tokenBucket: bucket(unlimited, unlimited, 1000),
    filterEnabled: { defaultValue: all, runtimeKey: 'local_rate_limit_enabled' },
    filterEnforced: { defaultValue: all, runtimeKey: 'local_rate_limit_enforced' },
    responseHeadersToAdd: (spec.headers ?? []).map(({ name, value }) => ({
      header: { key: name.toLowerCase(), value: value.replaceAll('%', '%%') },
      appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    })),
    descriptors: spec.limits.map((limit, index) => descriptorOf(policy, limit, index)),
  }
  // Weft's proxy has a bound of its own; of Envoy's our types know nothing yet.
  const apart = spec.limits.some(({ by }) => by !== undefined)
  return apart && flavor === 'envoy' ? withMostValues(config) : pack(LocalRateLimitSchema, config)
}

function withMostValues(config: Init<typeof LocalRateLimitSchema>): Any {
  const json = toJson(LocalRateLimitSchema, create(LocalRateLimitSchema, config), { useProtoFieldName: true })
  const schema = typedStructs.getMessage('xds.type.v3.TypedStruct')
  if (schema === undefined) throw new Error(`invariant violated: no schema for ${typedStructUrl}`)
  const type_url = `type.googleapis.com/${LocalRateLimitSchema.typeName}`
  return anyPack(
    schema,
    fromJson(schema, { type_url, value: { ...Object(json), max_dynamic_descriptors: mostValues } }),
  )
}

function bucketOf({ requests, per, burst }: RequestLimit): Init<typeof TokenBucketSchema> {
  return bucket(burst ?? requests, requests, unitMs[per])
}

function bucket(maxTokens: number, tokensPerFill: number, intervalMs: number): Init<typeof TokenBucketSchema> {
  return { maxTokens, tokensPerFill, fillInterval: duration(intervalMs) }
}

const limitKey = 'limit'
const conditionKey = 'when'
const addressKey = 'remote_address'

function limitName({ id }: RateLimit, index: number): string {
  return `${id.namespace}/${id.name}[${index}]`
}

/** An entry without a value stands for every value, each with a bucket of its own. */
function descriptorOf(
  policy: RateLimit,
  limit: RequestLimit,
  index: number,
): Init<typeof LocalRateLimitDescriptorSchema> {
  const { when, by } = limit
  return {
    entries: [
      { key: limitKey, value: limitName(policy, index) },
      ...(when === undefined ? [] : [{ key: conditionKey, value: 'true' }]),
      ...(by?.header === undefined ? [] : [{ key: by.header.toLowerCase() }]),
      ...(by?.clientAddress === true ? [{ key: addressKey }] : []),
    ],
    tokenBucket: bucketOf(limit),
  }
}

/** In the order of the descriptor's entries; an action without a value leaves the request uncounted. */
function actionsOf(policy: RateLimit, { when, by }: RequestLimit, index: number): ActionInit[] {
  const name = { descriptorKey: limitKey, descriptorValue: limitName(policy, index) }
  const header = by?.header?.toLowerCase()
  const asked = when === undefined ? [] : conditions(when)
  return [
    { actionSpecifier: { case: 'genericKey', value: name } },
    ...(when === undefined
      ? []
      : [
          {
            actionSpecifier: {
              case: 'headerValueMatch' as const,
              value: { descriptorKey: conditionKey, descriptorValue: 'true', expectMatch: true, headers: asked },
            },
          },
        ]),
    ...(header === undefined
      ? []
      : [
          {
            actionSpecifier: {
              case: 'requestHeaders' as const,
              value: { headerName: header, descriptorKey: header },
            },
          },
        ]),
    ...(by?.clientAddress === true ? [{ actionSpecifier: { case: 'remoteAddress' as const, value: {} } }] : []),
  ]
}

function conditions({
  path = '/',
  method,
  headers = [],
}: NonNullable<RequestLimit['when']>): Init<typeof HeaderMatcherSchema>[] {
  const exact = [...(method === undefined ? [] : [{ name: ':method', value: method }]), ...headers]
  return [text(':path', 'prefix', path), ...exact.map(({ name, value }) => text(name.toLowerCase(), 'exact', value))]
}

function text(name: string, how: 'prefix' | 'exact', value: string): Init<typeof HeaderMatcherSchema> {
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: how, value } } } }
}
