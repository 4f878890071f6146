// Rate limits through bytes and lean readers: what is read of them, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { LocalRateLimitSchema } from '@weft/xds/es/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { compileListener } from './listener.ts'
import { compileRouteConfig } from './route-config.ts'

const registry = createRegistry(LocalRateLimitSchema, RouterSchema, HttpConnectionManagerSchema)
const whole = { defaultValue: { numerator: 100 } }
const bucket = { maxTokens: 10, tokensPerFill: 5, fillInterval: '1s' }
const typed = (type: string, value: JsonObject = {}): JsonObject => ({
  name: type,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.filters.${type}`, ...value },
})

function limited(limit: JsonObject): ReturnType<typeof compileListener> {
  const httpFilters = [
    typed('http.local_ratelimit.v3.LocalRateLimit', {
      statPrefix: 'a',
      filterEnabled: whole,
      filterEnforced: whole,
      ...limit,
    }),
    typed('http.router.v3.Router'),
  ]
  const manager = typed('network.http_connection_manager.v3.HttpConnectionManager', {
    statPrefix: 'a',
    routeConfig: {},
    httpFilters,
  })
  const address = { socketAddress: { address: '127.0.0.1', portValue: 1 } }
  const json = { name: 'l', address, filterChains: [{ filters: [manager] }] }
  return compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {})
}

function filterOf(limit: JsonObject): unknown {
  const compiled = limited(limit)
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.error.message)
  const terminal = compiled.value.filterChains[0]?.terminal
  assert.ok(terminal !== undefined && 'httpFilters' in terminal)
  return JSON.parse(JSON.stringify(terminal.httpFilters[0]))
}

test('tokens come one by one, and a status and headers are taken over', () => {
  const status = { code: 'ServiceUnavailable' }
  const header = { header: { key: 'X-Why', value: 'full' } }
  const filter = filterOf({ tokenBucket: bucket, status, responseHeadersToAdd: [header] }) as Record<string, unknown>
  assert.deepEqual(filter['all'], { tokensMax: 10, tokensPerFill: 1, fillIntervalMs: 200 })
  assert.equal(filter['status'], 503)
  assert.equal((filter['headers'] as { name: string }[])[0]?.name, 'x-why')
})

test('an entry without a value stands for each value, and what Envoy calls unlimited is no bucket', () => {
  const entries = [{ key: 'a', value: 'b' }, { key: 'c' }]
  const tokenBucket = { ...bucket, maxTokens: 4_294_967_295 }
  const filter = filterOf({ tokenBucket, descriptors: [{ entries, tokenBucket: bucket }] }) as Record<string, unknown>
  assert.equal(filter['all'], undefined)
  assert.deepEqual(filter['limits'], [
    {
      entries: [{ key: 'a', value: 'b' }, { key: 'c' }],
      bucket: { tokensMax: 10, tokensPerFill: 1, fillIntervalMs: 200 },
    },
  ])
})

test('a limit that is not enforced limits nothing', () => {
  for (const off of [{ filterEnforced: {} }, { filterEnabled: { defaultValue: {} } }]) {
    const filter = filterOf({ tokenBucket: bucket, descriptors: [], ...off }) as Record<string, unknown>
    assert.deepEqual([filter['all'], filter['limits']], [undefined, []])
  }
})

test('what cannot be counted is refused by name', () => {
  const refusal = (limit: JsonObject): string => {
    const compiled = limited(limit)
    return compiled.ok ? 'taken' : (compiled.error.field.split('typed_config.').at(-1) ?? '')
  }
  assert.equal(refusal({ tokenBucket: bucket, filterEnforced: { defaultValue: { numerator: 50 } } }), 'filter_enforced')
  assert.equal(refusal({ tokenBucket: { ...bucket, maxTokens: 0 } }), 'token_bucket.max_tokens')
  assert.equal(refusal({ tokenBucket: { ...bucket, tokensPerFill: 0 } }), 'token_bucket.tokens_per_fill')
  assert.equal(refusal({ tokenBucket: { ...bucket, fillInterval: '0.001s' } }), 'token_bucket.fill_interval')
  assert.equal(refusal({ tokenBucket: bucket, stage: 1 }), 'stage')
  assert.equal(refusal({ descriptors: [{ entries: [{ key: 'a' }] }] }), 'descriptors[0].token_bucket')
  assert.equal(refusal({ descriptors: [{ tokenBucket: bucket }] }), 'descriptors[0].entries')
})

test('routes make entries of keys, headers, conditions and addresses; other actions are refused', () => {
  const compiled = (actions: JsonObject[]) => {
    const route = { match: { prefix: '/' }, route: { cluster: 'c', rateLimits: [{ actions }] } }
    const json = { name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes: [route] }] }
    return compileRouteConfig(toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json)), {})
  }
  const taken = compiled([
    { genericKey: { descriptorValue: 'a' } },
    { requestHeaders: { headerName: 'X-User', descriptorKey: 'user', skipIfAbsent: true } },
    { headerValueMatch: { descriptorValue: 'b', headers: [{ name: 'x', presentMatch: true }] } },
    { remoteAddress: {} },
  ])
  assert.ok(taken.ok)
  const action = taken.value.virtualHosts[0]?.routes[0]?.action
  assert.ok(action?.kind === 'route')
  const [recipe] = action.rateLimits
  assert.deepEqual(
    recipe?.map((part) => [part.kind, 'key' in part ? part.key : '']),
    [
      ['fixed', 'generic_key'],
      ['header', 'user'],
      ['match', 'header_match'],
      ['address', ''],
    ],
  )
  assert.equal(compiled([{ sourceCluster: {} }]).ok, false)
})
