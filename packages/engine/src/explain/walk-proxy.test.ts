// What leaves a proxy, as it is explained: the request that the next one reads, and answers of the proxy's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { FilterConfigSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { StatefulSessionSchema } from '@weft/xds/es/envoy/extensions/filters/http/stateful_session/v3/stateful_session'
import { PreviousRoutesConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config'
import { CookieBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/cookie/v3/cookie'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { compileListener } from '../compile/listener.ts'
import { emptyConfig } from '../compile/empty-config.ts'
import type { ProofStep } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import type { PlainRequest } from '../request-head.ts'
import { subject } from '../subject-under-test.ts'
import { type Departure, walkProxy } from './walk-proxy.ts'

const registry = createRegistry(
  PreviousRoutesConfigSchema,
  CookieBasedSessionStateSchema,
  StatefulSessionSchema,
  FilterConfigSchema,
  RBACSchema,
  RouterSchema,
  HttpConnectionManagerSchema,
)
const extensions = 'type.googleapis.com/envoy.extensions.filters'

function walk(
  manager: JsonObject,
  request: Partial<PlainRequest>,
  first: readonly JsonObject[] = [],
): { readonly left: Departure; readonly steps: readonly ProofStep[] } {
  const routes = [
    ...first.map((one) => ({ name: 'same', match: { path: '/never' }, ...one })),
    { name: 'all', match: { prefix: '/' }, route: { cluster: 'c' } },
  ]
  const typedConfig = {
    '@type': `${extensions}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: 'x',
    httpFilters: [{ name: 'router', typedConfig: { '@type': `${extensions}.http.router.v3.Router` } }],
    routeConfig: { name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes }] },
    ...manager,
  }
  const json = {
    name: 'l',
    address: { socketAddress: { address: '127.0.0.2', portValue: 80 } },
    filterChains: [{ filters: [{ name: 'hcm', typedConfig }] }],
  }
  const listener = compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {})
  assert.ok(listener.ok)
  const view = { id: 'p', address: '', principal: undefined, config: emptyConfig, endpoints: new Map() }
  const { connection } = subject()
  const steps: ProofStep[] = []
  const asked = { method: 'GET', path: '/', authority: 'catalog', ...request }
  const left = walkProxy(
    { view, listener: listener.value, connection, request: asked, random: 0, faultDraw: 0.5 },
    recordTo((step) => steps.push(step)),
  )
  return { left, steps }
}

test('a call whose escaped slashes would be redirected is refused instead', () => {
  const manager = { pathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT' }
  const { left: page } = walk(manager, { path: '/a%2fb' })
  assert.deepEqual(page.kind === 'reply' && [page.status, page.location], [307, '/a/b'])
  const { left: call } = walk(manager, { path: '/a%2fb', headers: { 'content-type': 'application/grpc' } })
  assert.deepEqual(call.kind === 'reply' && [call.status, call.location], [400, undefined])
})

test('the next one reads a written value without the white space around it', () => {
  const requestHeadersToAdd = [{ header: { key: 'x-to', value: 'to %REQ(x-nothing)%' } }]
  const { left } = walk({}, { headers: { 'x-mine': 'as it is' } }, [
    { match: { prefix: '/' }, route: { cluster: 'c' }, requestHeadersToAdd },
  ])
  assert.deepEqual(left.kind === 'forward' && left.request.headers, { 'x-mine': ['as it is'], 'x-to': ['to'] })
})

test('what is hashed is the request as the route has changed it', () => {
  const hashPolicy = [
    { header: { headerName: 'x-user' } },
    { header: { headerName: 'x-gone' } },
    { header: { headerName: ':path' } },
  ]
  const { left } = walk({}, { path: '/a?q=1', headers: { 'x-user': 'jason', 'x-gone': 'yes' } }, [
    {
      match: { prefix: '/a' },
      route: { cluster: 'c', prefixRewrite: '/b', hashPolicy },
      requestHeadersToAdd: [{ header: { key: 'x-user', value: 'one' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
      requestHeadersToRemove: ['x-gone'],
    },
  ])
  assert.deepEqual(left.kind === 'forward' && left.hashed?.of, ['header x-user "one"', 'header :path "/b?q=1"'])
})

test('when a slow request is sent again is told, and when it is not', () => {
  const told = (route: JsonObject, request: Partial<PlainRequest> = {}): string | undefined => {
    const hedged = { cluster: 'c', hedgePolicy: { hedgeOnPerTryTimeout: true }, ...route }
    const { steps } = walk({}, request, [{ match: { prefix: '/' }, route: hedged }])
    return steps.find(({ decision }) => decision === 'hedge')?.summary
  }
  const retryPolicy = { retryOn: '5xx', numRetries: 3, perTryTimeout: '0.2s' }
  const beside = 'beside a request that takes longer than 200 ms'
  assert.equal(told({ retryPolicy }), `${beside} up to 3 others are sent; the first good answer is taken`)
  assert.match(told({ retryPolicy: { ...retryPolicy, numRetries: 1 } }) ?? '', / another is sent;/)
  const gets = { ...retryPolicy, retriableRequestHeaders: [{ name: ':method', stringMatch: { exact: 'GET' } }] }
  assert.match(told({ retryPolicy: gets }, { method: 'POST' }) ?? '', /^no request .* is not for this request$/)
  assert.match(told({ retryPolicy: { ...retryPolicy, retryOn: '' } }) ?? '', /repeats nothing$/)
  assert.equal(told({ retryPolicy: { ...retryPolicy, perTryTimeout: '20s' } }), undefined, 'no try is slow')
  assert.equal(told({ retryPolicy, hedgePolicy: {} }), undefined)
})

test('which answers the proxy follows itself is told, and on what conditions', () => {
  const told = (internalRedirectPolicy: JsonObject): string | undefined => {
    const route = { cluster: 'c', internalRedirectPolicy }
    const { steps } = walk({}, {}, [{ match: { prefix: '/' }, route }])
    return steps.find(({ decision }) => decision === 'redirect')?.summary
  }
  const followed = 'an answer 302 with a location is followed by the proxy'
  assert.equal(told({}), `${followed}, once, in the same scheme`)
  assert.equal(told({ maxInternalRedirects: 3, allowCrossSchemeRedirect: true }), `${followed}, up to 3 times`)
  const type = 'envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig'
  const predicates = [{ name: 'p', typedConfig: { '@type': `type.googleapis.com/${type}` } }]
  assert.match(told({ redirectResponseCodes: [307, 303], predicates }) ?? '', / 303, 307 .*, to no route twice$/)
  assert.equal(told({ maxInternalRedirects: 0 }), 'no answer is followed by the proxy')
})

test('the endpoint that a session asks for is told, unless its cookie is not for this path', () => {
  const typedConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState',
    cookie: { name: 's', path: '/shop' },
  }
  const sessions = {
    name: 'sessions',
    typedConfig: {
      '@type': `${extensions}.http.stateful_session.v3.StatefulSession`,
      sessionState: { name: 'cookie', typedConfig },
      strict: true,
    },
  }
  const router = { name: 'router', typedConfig: { '@type': `${extensions}.http.router.v3.Router` } }
  const wanted = (path: string, cookie: string): unknown => {
    const { left } = walk({ httpFilters: [sessions, router] }, { path, headers: { cookie } })
    return left.kind === 'forward' ? left.wanted : left
  }
  assert.deepEqual(wanted('/shop/a', `s=${btoa('127.0.0.3:80')}`), {
    key: '127.0.0.3:80',
    strict: true,
    by: 'cookie s',
  })
  assert.equal(wanted('/other', `s=${btoa('127.0.0.3:80')}`), undefined)
  assert.equal(wanted('/shop/a', 's=%%%'), undefined)
})

test('what a route writes of itself and of the protocol is known', () => {
  const requestHeadersToAdd = [{ header: { key: 'x-by', value: '%ROUTE_NAME% over %PROTOCOL%' } }]
  const { left } = walk({}, {}, [{ match: { prefix: '/' }, route: { cluster: 'c' }, requestHeadersToAdd }])
  assert.deepEqual(left.kind === 'forward' && left.request.headers, { 'x-by': ['same over HTTP/1.1'] })
})

test('of rules with the same name the one in the way is told by where it was written', () => {
  const written = (origin: string): JsonObject => ({
    route: { cluster: 'c' },
    metadata: { filterMetadata: { weft: { origin } } },
  })
  const { steps } = walk({}, {}, [written('VirtualService/default/a'), written('VirtualService/default/b')])
  const route = steps.find(({ decision }) => decision === 'route')
  assert.equal(route?.losers[1]?.unreachable, 'shadowed by same (VirtualService/default/a)')
})

test('a counterfactual for a policy does not lead to a route that the policy is not asked about', () => {
  const path = (prefix: string): JsonObject => ({ urlPath: { path: { prefix } } })
  const policy = (...permissions: JsonObject[]): JsonObject => ({ permissions, principals: [{ any: true }] })
  const rbac = {
    name: 'rbac',
    typedConfig: {
      '@type': `${extensions}.http.rbac.v3.RBAC`,
      rules: { action: 'ALLOW', policies: { a: policy(path('/open/x')), b: policy(path('/open'), path('/in')) } },
    },
  }
  const router = { name: 'router', typedConfig: { '@type': `${extensions}.http.router.v3.Router` } }
  const off = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true }
  const open = { match: { prefix: '/open' }, route: { cluster: 'c' }, typedPerFilterConfig: { rbac: off } }
  const { steps } = walk({ httpFilters: [rbac, router] }, { path: '/none' }, [open])
  const losers = steps.find(({ decision }) => decision === 'authorization')?.losers
  assert.deepEqual(
    losers?.map(({ counterfactual, unreachable }) => counterfactual ?? unreachable),
    ['no request that is asked by it satisfies it', [{ attribute: 'request.url_path', value: '/in' }]],
  )
})
