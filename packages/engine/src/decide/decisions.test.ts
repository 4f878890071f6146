// Tables of single decisions: virtual hosts, splits, faults, timeouts, paths, transport sockets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRule } from '../match/closure.ts'
import type {
  Cluster,
  Endpoint,
  Fault,
  HttpConnectionManager,
  RouteAction,
  RouteConfig,
  VirtualHost,
} from '../model.ts'
import type { Predicate } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { chooseCluster, chooseTcpCluster } from './cluster-choice.ts'
import { decideFault } from './fault.ts'
import { normalizePath, requestPath } from './normalize-path.ts'
import { decideRoute } from './route.ts'
import { effectiveTimeouts, grpcTimeoutText } from './timeouts.ts'
import { transportSocketFor } from './transport-socket.ts'
import { matchVirtualHost } from './virtual-host.ts'

const always: Predicate = { op: 'always' }
const isPost: Predicate = {
  op: 'test',
  attribute: { name: 'request.method' },
  test: { is: 'exact', value: 'POST', ignoreCase: false },
}

function hosts(domains: readonly string[], more: Partial<RouteConfig> = {}): RouteConfig {
  const all = domains.map((name) => ({ name, origins: {}, requireTls: 'none', routes: [] }) as unknown as VirtualHost)
  const pick = (fits: (name: string) => boolean, key: (name: string) => string) => {
    const map = new Map(all.filter((host) => fits(host.name)).map((host) => [key(host.name), host]))
    return { hosts: map, lengths: [...new Set([...map.keys()].map((one) => one.length))].sort((a, b) => b - a) }
  }
  const suffix = pick(
    (name) => /^\*./.test(name),
    (name) => name.slice(1),
  )
  const prefix = pick(
    (name) => /.\*$/.test(name),
    (name) => name.slice(0, -1),
  )
  const exact = pick(
    (name) => !name.includes('*'),
    (name) => name,
  ).hosts
  return {
    name: 'r',
    origins: {},
    ignorePortInHostMatching: false,
    domains: { exact, suffix, prefix, any: all.find((host) => host.name === '*') },
    ...more,
  } as unknown as RouteConfig
}

test('virtual hosts: exact, longest suffix, longest prefix, then any', () => {
  const config = hosts(['a.b.com', '*.b.com', '*.com', 'a.*', 'a.b.*', '*'])
  const expected = {
    'a.b.com': 'a.b.com',
    'A.B.COM': 'a.b.com',
    'x.b.com': '*.b.com',
    'x.com': '*.com',
    '.com': '*',
    'a.b.org': 'a.b.*',
    'a.org': 'a.*',
    'a.b.com:80': 'a.b.*',
    other: '*',
  } // prettier-ignore
  for (const [authority, name] of Object.entries(expected)) {
    assert.equal(matchVirtualHost(config, authority)?.name, name, authority)
  }
  assert.equal(matchVirtualHost(config, '')?.name, '*')
  assert.equal(matchVirtualHost(hosts(['a.com']), 'b.com'), undefined)
})

test('virtual hosts: the port counts unless it is to be ignored', () => {
  assert.equal(matchVirtualHost(hosts(['a.com']), 'a.com:80'), undefined)
  const config = hosts(['a.com', '[::1]'], { ignorePortInHostMatching: true })
  assert.equal(matchVirtualHost(config, 'a.com:80')?.name, 'a.com')
  assert.equal(matchVirtualHost(config, '[::1]:80')?.name, '[::1]')
})

test('require_tls redirects plaintext', () => {
  const host = { name: 'v', origins: {}, requireTls: 'all', routes: [] } as unknown as VirtualHost
  const config = { ...hosts([]), domains: { ...hosts([]).domains, any: host } }
  const plain = decideRoute(config, subject({ path: '/a?b' }))
  assert.deepEqual(plain.kind === 'tls-redirect' && plain.location, 'https://catalog/a?b')
  assert.equal(decideRoute(config, subject({ headers: { 'x-forwarded-proto': 'https' } })).kind, 'none')
})

const split = {
  kind: 'route',
  cluster: {
    kind: 'weighted',
    totalWeight: 100,
    randomHeader: 'x-draw',
    clusters: [
      { name: 'v1', weight: 90 },
      { name: 'none', weight: 0 },
      { name: 'v2', weight: 10 },
    ],
  },
} as unknown as RouteAction

test('a split takes the random value modulo the sum of the weights', () => {
  const draws = { 0: 'v1', 89: 'v1', 90: 'v2', 99: 'v2', 100: 'v1', 190: 'v2' }
  for (const [random, name] of Object.entries(draws)) {
    const choice = chooseCluster(split, subject({}, { random: Number(random) }))
    assert.equal(choice.kind === 'cluster' && choice.name, name, random)
  }
})

test('a split may draw from a header; what is no number is not used', () => {
  for (const [value, name] of [
    ['95', 'v2'],
    ['5', 'v1'],
    ['nonsense', 'v1'],
  ] as const) {
    // prettier-ignore
    const choice = chooseCluster(split, subject({ headers: { 'x-draw': value } }))
    assert.equal(choice.kind === 'cluster' && choice.name, name)
  }
})

test('cluster_header names the cluster, or there is none', () => {
  const action = { kind: 'route', cluster: { kind: 'header', header: 'x-to' } } as unknown as RouteAction
  const named = chooseCluster(action, subject({ headers: { 'x-to': 'c' } }))
  assert.deepEqual(named, { kind: 'cluster', name: 'c', leg: undefined })
  assert.equal(chooseCluster(action, subject()).kind, 'none')
})

test('a TCP split follows its weights', () => {
  const proxy = {
    clusters: [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 3 },
    ],
  } as unknown as Parameters<typeof chooseTcpCluster>[0] // prettier-ignore
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((random) => chooseTcpCluster(proxy, random)),
    ['a', 'b', 'b', 'b', 'a'],
  ) // prettier-ignore
})

const fault: Fault = {
  delay: { fixedMs: 2000, numerator: 50, denominator: 100 },
  abort: { what: { status: 503 }, numerator: 10, denominator: 100 },
  headers: makeRule(always),
  upstreamCluster: '',
  downstreamNodes: [],
  maxActive: undefined,
}

test('a fault hits below its percentage', () => {
  const decide = (delay: number, abort: number) => decideFault(fault, subject(), { delay, abort }, 'c')
  assert.deepEqual(decide(0.49, 0.09), { delayMs: 2000, abort: { status: 503, grpcStatus: undefined } })
  assert.deepEqual(decide(0.5, 0.1), { delayMs: undefined, abort: undefined })
})

test('a fault is gated by headers and by the upstream cluster', () => {
  const draws = { delay: 0, abort: 0 }
  const none = { delayMs: undefined, abort: undefined }
  assert.deepEqual(decideFault({ ...fault, headers: makeRule(isPost) }, subject(), draws, 'c'), none)
  assert.deepEqual(decideFault({ ...fault, upstreamCluster: 'd' }, subject(), draws, 'c'), none)
})

test("a request's own fault headers work within the configured share", () => {
  const byHeader: Fault = {
    ...fault,
    delay: { fixedMs: undefined, numerator: 100, denominator: 100 },
    abort: { what: 'header', numerator: 100, denominator: 100 },
  } // prettier-ignore
  const headers = {
    'x-envoy-fault-delay-request': '70',
    'x-envoy-fault-abort-request': '418',
    'x-envoy-fault-abort-request-percentage': '20',
  } // prettier-ignore
  const decide = (abort: number) => decideFault(byHeader, subject({ headers }), { delay: 0.5, abort }, 'c')
  assert.deepEqual(decide(0.1), { delayMs: 70, abort: { status: 418, grpcStatus: undefined } })
  assert.deepEqual(decide(0.3), { delayMs: 70, abort: undefined })
})

test("timeouts: the route's, the request's wish, and no per-try limit above the whole", () => {
  const manager = { timeouts: { streamIdleMs: 300_000, maxStreamDurationMs: 0 } } as unknown as HttpConnectionManager
  const action = {
    timeoutMs: 15_000,
    idleTimeoutMs: undefined,
    maxStreamDurationMs: undefined,
    retryPolicy: { perTryTimeoutMs: 2000, perTryIdleTimeoutMs: 0 },
    hedges: false,
  } as unknown as RouteAction // prettier-ignore
  const of = (wishes: Record<string, string>) => effectiveTimeouts(manager, action, subject({ headers: wishes }).head)
  assert.deepEqual(of({}), {
    requestMs: 15_000,
    perTryMs: 2000,
    perTryIdleMs: 0,
    hedges: false,
    idleMs: 300_000,
    maxStreamDurationMs: 0,
    grpcTimeoutMs: 0,
  })
  assert.equal(of({ 'x-envoy-upstream-rq-timeout-ms': '500' }).requestMs, 500)
  assert.equal(of({ 'x-envoy-upstream-rq-timeout-ms': '500' }).perTryMs, 0)
  assert.equal(of({ 'x-envoy-upstream-rq-timeout-ms': '0' }).perTryMs, 2000)
  assert.equal(of({ 'x-envoy-upstream-rq-timeout-ms': 'x' }).requestMs, 15_000)
  assert.equal(of({ 'x-envoy-hedge-on-per-try-timeout': 'true' }).hedges, true)
  assert.equal(of({ 'x-envoy-hedge-on-per-try-timeout': 'yes' }).hedges, false)
})

test('grpc-timeout limits the stream only where the route says so, at most its cap, less an offset that leaves something', () => {
  const manager = { timeouts: { streamIdleMs: 0, maxStreamDurationMs: 70 } } as unknown as HttpConnectionManager
  const limit = (timeout: string | undefined, grpcTimeout: RouteAction['grpcTimeout'], ms?: number): number => {
    const action = { timeoutMs: 0, maxStreamDurationMs: ms, grpcTimeout } as unknown as RouteAction
    const headers: Record<string, string> = timeout === undefined ? {} : { 'grpc-timeout': timeout }
    return effectiveTimeouts(manager, action, subject({ headers }).head).maxStreamDurationMs
  }
  const asIs = { mostMs: 0, offsetMs: 0 }
  assert.equal(limit('5S', undefined), 70)
  assert.equal(limit('5S', undefined, 90), 90)
  assert.equal(limit(undefined, asIs, 90), 90)
  assert.deepEqual(
    ['2H', '3M', '5S', '250m', '1500u', '1n', '0m', '99999999H'].map((text) => limit(text, asIs)),
    [7_200_000, 180_000, 5_000, 250, 2, 1, 1, 0x7fff_ffff],
  )
  for (const wrong of ['', '5', 'S', '-5S', '123456789S', '5 S', '5s']) assert.equal(limit(wrong, asIs), 70, wrong)
  assert.equal(limit('5S', { mostMs: 2_000, offsetMs: 0 }), 2_000)
  assert.equal(limit('5S', { mostMs: 0, offsetMs: 500 }), 4_500)
  assert.equal(limit('5S', { mostMs: 0, offsetMs: 6_000 }), 1)
})

test('a gRPC call has the shorter of its deadline and the cap of the route, and the cap where it names none', () => {
  const manager = { timeouts: { streamIdleMs: 0, maxStreamDurationMs: 0 } } as unknown as HttpConnectionManager
  const rule = { mostMs: 10_000, offsetMs: 100 }
  const action = { timeoutMs: 300, grpcRequestTimeout: rule } as unknown as RouteAction
  const limits = (timeout: string, type = 'application/grpc+proto') => {
    const headers = { 'content-type': type, 'grpc-timeout': timeout }
    const { requestMs, grpcTimeoutMs } = effectiveTimeouts(manager, action, subject({ headers }).head)
    return [requestMs, grpcTimeoutMs]
  }
  assert.deepEqual(limits('600m'), [500, 500])
  assert.deepEqual(limits('50m'), [50, 50])
  assert.deepEqual(limits('1H'), [10_000, 10_000])
  assert.deepEqual(limits('soon'), [10_000, 10_000])
  assert.deepEqual(limits('600m', 'application/grpc-web'), [300, 0])
  assert.deepEqual([1, 99_999_999, 100_000_000].map(grpcTimeoutText), ['1m', '99999999m', '100000S'])
})

test('escaped slashes are rejected or redirected when asked', () => {
  const how = { normalize: true, mergeSlashes: false } as const
  assert.deepEqual(normalizePath('/a%2fb', { ...how, escapedSlashes: 'reject' }), { kind: 'reject' })
  const redirected = normalizePath('/a%5Cb?q=%2f', { ...how, escapedSlashes: 'redirect' })
  assert.deepEqual(redirected, { kind: 'redirect', location: '/a/b?q=%2f' })
  assert.deepEqual(normalizePath('*', { ...how, escapedSlashes: 'reject' }), { kind: 'path', path: '*' })
})

test('a gRPC call is refused where others are redirected to their unescaped path', () => {
  const how = { normalize: true, mergeSlashes: false, escapedSlashes: 'redirect' } as const
  const asked = (headers: Record<string, string>, path = '/a%2fb') => requestPath(path, how, subject({ headers }).head)
  assert.deepEqual(asked({ 'content-type': 'application/grpc+proto' }), { kind: 'reject' })
  assert.deepEqual(asked({ 'content-type': 'application/grpc' }, '/a/b'), { kind: 'path', path: '/a/b' })
  assert.deepEqual(asked({ 'content-type': 'application/json' }), { kind: 'redirect', location: '/a/b' })
})

test('the transport socket follows the endpoint', () => {
  const tls = { sni: 'x' } as unknown as NonNullable<Cluster['tls']>
  const cluster = {
    tls: undefined,
    transportSocketMatches: [
      { name: 'istio', match: { tlsMode: 'istio' }, tls },
      { name: 'raw', match: {}, tls: undefined },
    ],
  } as unknown as Cluster // prettier-ignore
  const endpoint = (metadata: Endpoint['metadata']) => ({ metadata }) as unknown as Endpoint
  assert.equal(transportSocketFor(cluster, endpoint({ 'envoy.transport_socket_match': { tlsMode: 'istio' } })), tls)
  assert.equal(transportSocketFor(cluster, endpoint({ 'envoy.transport_socket_match': { tlsMode: 'off' } })), undefined)
  assert.equal(transportSocketFor(cluster, endpoint({})), undefined)
})
