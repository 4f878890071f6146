// Which answers that send a request elsewhere are followed, through bytes and lean readers. What becomes of the request beside Envoy:
// tests/interop/protocol/cases/internal-redirects.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { AllowListedRoutesConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config'
import { PreviousRoutesConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config'
import { SafeCrossSchemeConfigSchema } from '@weft/xds/es/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { compileRouteConfig } from '../compile/route-config.ts'
import type { PathNormalization, RouteConfig } from '../model.ts'
import type { PlainRequest, Subject } from '../request-head.ts'
import { subject } from '../subject-under-test.ts'
import { followRedirect, notRedirected, type RedirectsSoFar, type RedirectVerdict } from './internal-redirect.ts'

const registry = createRegistry(
  AllowListedRoutesConfigSchema,
  PreviousRoutesConfigSchema,
  SafeCrossSchemeConfigSchema,
  RouterSchema,
)
const extension = (type: string, value: JsonObject = {}): JsonObject => ({
  name: type,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...value },
})
const previousRoutes = extension('internal_redirect.previous_routes.v3.PreviousRoutesConfig')
const safeCrossScheme = extension('internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig')
const listed = (...allowedRouteNames: string[]): JsonObject =>
  extension('internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig', { allowedRouteNames })

function compiled(policy: JsonObject): ReturnType<typeof compileRouteConfig> {
  const route = (name: string, prefix: string): JsonObject => ({
    name,
    match: { prefix },
    route: { cluster: 'c', internalRedirectPolicy: policy },
  })
  const routes = [route('a', '/a'), route('b', '/b'), route('all', '/')]
  const json = { name: 'r', virtualHosts: [{ name: 'v', domains: ['catalog', 'other:8080'], routes }] }
  return compileRouteConfig(
    toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json, { registry })),
    {},
  )
}

function configOf(policy: JsonObject): RouteConfig {
  const config = compiled(policy)
  assert.ok(config.ok, config.ok ? '' : config.error.message)
  return config.value
}

interface Asked {
  readonly request?: Partial<PlainRequest>
  readonly more?: Partial<Subject>
  readonly soFar?: RedirectsSoFar
  readonly from?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, readonly string[]>>
}

const paths: PathNormalization = { normalize: true, mergeSlashes: false, escapedSlashes: 'keep' }

function follow(policy: JsonObject, location: string, asked: Asked = {}): RedirectVerdict {
  const config = configOf(policy)
  const routes = config.virtualHosts[0]?.routes ?? []
  const from = routes.find(({ name }) => name === (asked.from ?? 'all'))
  assert.ok(from !== undefined && from.action.kind === 'route' && from.action.internalRedirects !== undefined)
  const { soFar = notRedirected, status = 302, headers = {} } = asked
  const request = subject(asked.request, asked.more)
  const answer = { status, line: (name: string, index: number) => headers[name]?.[index] }
  return followRedirect(
    { policy: from.action.internalRedirects, from, config, paths, soFar, subject: request },
    answer,
    location,
  )
}

const plaintext = { connection: { ...subject().connection, tls: false } }
const reasonOf = (verdict: RedirectVerdict): string => (verdict.kind === 'pass' ? verdict.reason : 'followed')

test('a location is absolute, of HTTP, and names a host and a path that can be read', () => {
  const targets: Readonly<Record<string, string>> = {
    'http://catalog/a?b=c#d': 'http catalog /a?b=c',
    'HTTP://other:8080': 'http other:8080 /',
    'http://me:pass@catalog/a': 'http catalog /a',
    'http://catalog/x/../a': 'http catalog /a',
  }
  for (const [location, target] of Object.entries(targets)) {
    const verdict = follow({}, location)
    assert.ok(verdict.kind === 'follow', location)
    assert.equal(`${verdict.target.scheme} ${verdict.target.authority} ${verdict.target.path}`, target)
  }
  for (const bad of [
    '',
    '/a',
    '//catalog/a',
    'ftp://catalog/a',
    'http:///a',
    'http://catalog:99999/',
    'http://ca talog/',
  ])
    assert.equal(reasonOf(follow({}, bad)), 'bad_location', bad)
  for (const bad of ['http://catalog?a', 'http://catalog/a b', 'http://catalog/a%00b', 'http://catalog/\u00e9'])
    assert.equal(reasonOf(follow({}, bad)), 'bad_location', bad)
})

test('routes are asked about the path that the request will have, not about how it is written', () => {
  const policy = { predicates: [listed('a')] }
  assert.equal(reasonOf(follow(policy, 'http://catalog/a/x')), 'followed')
  assert.equal(reasonOf(follow(policy, 'http://catalog/a/../b')), 'predicate')
})

test('the scheme stays what it is, unless it may change; from http to https is the unsafe way', () => {
  const secure: Asked = { request: { scheme: 'https' } }
  const crossing = { allowCrossSchemeRedirect: true }
  const safe = { ...crossing, predicates: [safeCrossScheme] }
  assert.equal(reasonOf(follow({}, 'https://catalog/', secure)), 'followed')
  assert.equal(reasonOf(follow({}, 'http://catalog/', secure)), 'unsafe_scheme')
  assert.equal(reasonOf(follow(safe, 'http://catalog/', secure)), 'followed')
  for (const request of [{ scheme: 'http' }, { scheme: 'https' }] as const) {
    // A connection in plaintext is one, whatever hops in front say.
    const asked = { request, more: plaintext }
    assert.equal(reasonOf(follow({}, 'https://catalog/', asked)), 'unsafe_scheme')
    assert.equal(reasonOf(follow(crossing, 'https://catalog/', asked)), 'followed')
    assert.equal(reasonOf(follow(safe, 'https://catalog/', asked)), 'predicate')
    assert.equal(reasonOf(follow({}, 'http://catalog/', asked)), 'followed')
  }
})

test('a request is sent no further than its route allows, nor to where no route is', () => {
  const once = follow({}, 'http://catalog/a')
  assert.ok(once.kind === 'follow')
  assert.equal(once.after.count, 1)
  assert.equal(reasonOf(follow({}, 'http://catalog/b', { soFar: once.after })), 'too_many_redirects')
  assert.equal(reasonOf(follow({ maxInternalRedirects: 2 }, 'http://catalog/b', { soFar: once.after })), 'followed')
  assert.equal(reasonOf(follow({ maxInternalRedirects: 0 }, 'http://catalog/b')), 'too_many_redirects')
  assert.equal(reasonOf(follow({}, 'http://nobody/a')), 'no_route')
})

test('previous_routes: from one route to another once, and back', () => {
  const policy = { maxInternalRedirects: 9, predicates: [previousRoutes] }
  const first = follow(policy, 'http://catalog/a')
  assert.ok(first.kind === 'follow')
  const back = follow(policy, 'http://catalog/', { soFar: first.after, from: 'a' })
  assert.ok(back.kind === 'follow')
  assert.equal(reasonOf(follow(policy, 'http://catalog/a/else', { soFar: back.after })), 'predicate')
  assert.equal(reasonOf(follow(policy, 'http://catalog/b', { soFar: back.after })), 'followed')
  assert.equal(first.after.sentTo.get('a'), undefined, 'what was is not changed')
})

test('behind 303 it is asked what is there; headers of the answer take the place of those of the request', () => {
  const asked = { request: { method: 'POST', path: '/x?y', headers: { 'x-a': '0' } } }
  const policy = { redirectResponseCodes: [303, 307], responseHeadersToCopy: ['X-A', 'x-none'] }
  const seen = follow(policy, 'http://catalog/a', {
    ...asked,
    status: 303,
    headers: { 'x-a': ['1', '2'] },
    more: plaintext,
  })
  assert.ok(seen.kind === 'follow')
  assert.deepEqual(
    [seen.method, seen.copied, seen.originalUrl],
    [
      'GET',
      [
        ['x-a', ['1', '2']],
        ['x-none', []],
      ],
      'http://catalog/x?y',
    ],
  )
  const kept = follow(policy, 'http://catalog/a', { ...asked, status: 307, more: plaintext })
  assert.equal(kept.kind === 'follow' && kept.method, 'POST')
})

test('only redirects can be followed, and a condition that is not known refuses the route', () => {
  const statusesOf = (redirectResponseCodes: number[]): unknown => {
    const { action } = configOf({ redirectResponseCodes }).virtualHosts[0]?.routes[0] ?? {}
    return action?.kind === 'route' ? [...(action.internalRedirects?.statuses ?? [])] : undefined
  }
  assert.deepEqual([statusesOf([]), statusesOf([200, 307, 304]), statusesOf([200])], [[302], [307], []])
  const unknown = compiled({ predicates: [extension('filters.http.router.v3.Router')] })
  assert.match(
    unknown.ok ? '' : `${unknown.error.field} ${unknown.error.message}`,
    /internal_redirect_policy\.predicates\[0\]\.typed_config .*Router is not known/,
  )
  const unnamed = compiled({ predicates: [listed('')] })
  assert.match(
    unnamed.ok ? '' : `${unnamed.error.field} ${unnamed.error.message}`,
    /allowed_route_names holds an empty name/,
  )
})
