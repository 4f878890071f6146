// Clusters that spread by hash: the same requests to our proxy and to real Envoy must reach the same endpoints.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, httpListener } from '../wire/proxy-under-test.ts'
import { answering, converse, type RawBackend } from '../wire/raw-http.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { bothProxies } from './protocol/both-proxies.ts'

/** One listener and its cluster. */
interface Balanced {
  readonly name: string
  /** Fields of the cluster. */
  readonly cluster: JsonObject
  readonly hashPolicy: JsonObject[]
  /** What else the route does. */
  readonly action?: JsonObject
  readonly route?: JsonObject
  /** Header lines and query of the requests. */
  readonly requests: readonly (readonly [lines: string, query: string])[]
  readonly weights?: readonly number[]
  /** How many endpoints each locality has, and what it weighs. */
  readonly localities?: readonly (readonly [endpoints: number, weight: number, priority?: number])[]
  /** `envoy.lb` metadata of endpoints. */
  readonly keys?: readonly string[]
  readonly statuses?: readonly string[]
}

const byUser = [{ header: { headerName: 'x-user' } }]
const users = (count: number): (readonly [string, string])[] =>
  Array.from({ length: count }, (_, at) => [`x-user: user-${at * 7919}${'x'.repeat(at % 40)}\r\n`, ''])
const ring = { lbPolicy: 'RING_HASH' }
const maglev = { lbPolicy: 'MAGLEV' }
const typed = (type: string, config: JsonObject): JsonObject => ({
  loadBalancingPolicy: {
    policies: [
      {
        typedExtensionConfig: {
          name: 'p',
          typedConfig: any(`envoy.extensions.load_balancing_policies.${type}`, config),
        },
      },
    ],
  },
})

const shares = { commonLbConfig: { localityWeightedLbConfig: {} } }

const all: readonly Balanced[] = [
  { name: 'a ring', cluster: ring, hashPolicy: byUser, requests: users(60) },
  {
    name: 'a small ring',
    cluster: { ...ring, ringHashLbConfig: { minimumRingSize: '7', maximumRingSize: '40' } },
    hashPolicy: byUser,
    requests: users(40),
  },
  {
    name: 'a ring of unequal endpoints',
    cluster: ring,
    hashPolicy: byUser,
    requests: users(60),
    weights: [1, 7, 3, 2, 5],
  },
  {
    name: 'a ring whose points have names of their own',
    cluster: ring,
    hashPolicy: byUser,
    requests: users(30),
    keys: ['a', 'b', 'c', 'd', 'e'],
  },
  {
    name: 'a ring with a failed endpoint',
    cluster: ring,
    hashPolicy: byUser,
    requests: users(40),
    statuses: ['HEALTHY', 'UNHEALTHY', 'HEALTHY', 'HEALTHY', 'HEALTHY'],
  },
  {
    name: 'a ring over localities with shares',
    cluster: { ...ring, ...shares },
    hashPolicy: byUser,
    requests: users(60),
    localities: [
      [1, 1],
      [3, 4],
      [1, 2],
    ],
  },
  {
    name: 'a ring over priorities',
    cluster: ring,
    hashPolicy: byUser,
    requests: users(80),
    localities: [
      [3, 1, 0],
      [2, 1, 1],
    ],
    statuses: ['HEALTHY', 'UNHEALTHY', 'UNHEALTHY', 'HEALTHY', 'HEALTHY'],
  },
  { name: 'a table', cluster: maglev, hashPolicy: byUser, requests: users(60) },
  {
    name: 'a small table',
    cluster: { ...maglev, maglevLbConfig: { tableSize: '11' } },
    hashPolicy: byUser,
    requests: users(60),
  },
  {
    name: 'a table of unequal endpoints',
    cluster: maglev,
    hashPolicy: byUser,
    requests: users(60),
    weights: [1, 7, 3, 2, 5],
  },
  {
    name: 'a table over localities with shares',
    cluster: { ...maglev, ...shares },
    hashPolicy: byUser,
    requests: users(60),
    localities: [
      [1, 1],
      [3, 4],
      [1, 2],
    ],
  },
  {
    name: 'a ring, typed',
    cluster: typed('ring_hash.v3.RingHash', { minimumRingSize: '100' }),
    hashPolicy: byUser,
    requests: users(40),
  },
  {
    name: 'a table, typed',
    cluster: typed('maglev.v3.Maglev', { tableSize: '503' }),
    hashPolicy: byUser,
    requests: users(40),
  },
  {
    name: 'a header with an expression',
    cluster: ring,
    hashPolicy: [
      {
        header: { headerName: 'x-user', regexRewrite: { pattern: { regex: '^user-(\\d)\\d*' }, substitution: 'u\\1' } },
      },
    ],
    requests: users(40),
  },
  {
    name: 'a header that comes twice',
    cluster: ring,
    hashPolicy: byUser,
    requests: [
      ['x-user: b\r\nx-user: a\r\n', ''],
      ['x-user: a\r\nx-user: b\r\n', ''],
      ['x-user: c\r\nx-user: long-long-long-long-long-long-long-long\r\n', ''],
    ],
  },
  {
    name: 'the path',
    cluster: ring,
    hashPolicy: [{ header: { headerName: ':path' } }],
    requests: Array.from({ length: 20 }, (_, at) => ['', `?n=${at}`]),
  },
  {
    name: 'the path as it is sent on',
    cluster: ring,
    hashPolicy: [{ header: { headerName: ':path' } }],
    action: { regexRewrite: { pattern: { regex: '^/' }, substitution: '/shop/' } },
    requests: Array.from({ length: 20 }, (_, at) => ['', `?n=${at}`]),
  },
  {
    name: 'a query that a rewrite writes',
    cluster: ring,
    hashPolicy: [{ queryParameter: { name: 'id' } }],
    action: { prefixRewrite: '/?id=7' },
    requests: Array.from({ length: 5 }, (_, at) => ['', `?id=${at}`]),
  },
  {
    name: 'the host and a header as they are sent on',
    cluster: ring,
    hashPolicy: [{ header: { headerName: ':authority' } }, { header: { headerName: 'x-user' } }],
    action: { hostRewriteHeader: 'x-host' },
    route: {
      requestHeadersToAdd: [
        { header: { key: 'x-user', value: '%REQ(x-user)%-more' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      ],
    },
    requests: users(20).map(([lines], at) => [`${lines}x-host: h${at % 5}\r\n`, '']),
  },
  {
    name: 'a query parameter',
    cluster: ring,
    hashPolicy: [{ queryParameter: { name: 'id' } }],
    requests: [
      ...Array.from({ length: 20 }, (_, at) => ['', `?x=1&id=${at}`] as const),
      ['', '?id=a%20b'],
      ['', '?id=a+b&id=c'],
      ['', '?id='],
    ],
  },
  {
    name: 'a cookie',
    cluster: ring,
    hashPolicy: [{ cookie: { name: 'user' } }],
    requests: [
      ...Array.from({ length: 20 }, (_, at) => [`Cookie: a=1; user=u${at}\r\n`, ''] as const),
      ['Cookie: user="quoted"\r\n', ''],
      ['Cookie: user= spaced ; x=1\r\n', ''],
      ['Cookie: user=a=b\r\n', ''],
      ['Cookie: a=1\r\nCookie: user=second\r\n', ''],
    ],
  },
  {
    name: 'the client',
    cluster: ring,
    hashPolicy: [{ connectionProperties: { sourceIp: true } }],
    requests: [
      ['', ''],
      ['X-Forwarded-For: 10.0.0.7\r\n', ''],
    ],
  },
  {
    name: 'two of them',
    cluster: ring,
    hashPolicy: [{ header: { headerName: 'x-user' } }, { queryParameter: { name: 'id' } }],
    requests: users(20).map(([lines], at) => [lines, `?id=${at}`]),
  },
  {
    name: 'the first that is there',
    cluster: ring,
    hashPolicy: [{ header: { headerName: 'x-user' }, terminal: true }, { queryParameter: { name: 'id' } }],
    requests: [...users(10).map(([lines], at) => [lines, `?id=${at}`] as const), ['', '?id=1'], ['', '?id=2']],
  },
]

const made: readonly JsonObject[] = [
  { name: 'user', ttl: '0s' },
  { name: 'user', ttl: '90.7s', path: '/shop' },
  { name: 'user', ttl: '60s', attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }] },
  { name: 'user', path: '/never' },
]
const cookies: readonly Balanced[] = made.map((cookie, at) => ({
  name: `made ${at}`,
  cluster: ring,
  hashPolicy: [{ cookie }],
  requests: [],
}))
const everything = [...all, ...cookies]

describe('hash balancing', { skip, timeout: 240_000 }, () => {
  const backends: RawBackend[] = []
  const both = bothProxies(() => backends)

  before(async () => {
    for (let at = 0; at < 5; at++)
      backends.push(await answering(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nno ${at}`))
    const resources = {
      listeners: [
        httpListener('in', {
          name: 'routes',
          virtualHosts: everything.map(({ name, hashPolicy, action, route }, at) => ({
            name,
            domains: [`host${at}`],
            routes: [{ match: { prefix: '/' }, route: { cluster: name, hashPolicy, ...action }, ...route }],
          })),
        }),
      ],
      clusters: everything.map((one) => clusterOf(one, backends)),
    }
    await both.start(resources)
  })

  for (const [at, one] of all.entries()) {
    test(`${one.name}: the endpoints that Envoy chooses`, async () => {
      const seen = { envoy: [] as string[], weft: [] as string[] }
      for (const [lines, query] of one.requests) {
        const request = `GET /${query} HTTP/1.1\r\nHost: host${at}\r\nConnection: close\r\n${lines}\r\n`
        seen.envoy.push((await converse(both.port('envoy'), [request])).slice(-4))
        seen.weft.push((await converse(both.port('weft'), [request])).slice(-4))
      }
      assert.match(seen.envoy.join(), /^(no \d,?)+$/)
      assert.deepEqual(seen.weft, seen.envoy)
    })
  }

  for (const [at, cookie] of made.entries()) {
    test(`the cookie that is made of ${JSON.stringify(cookie)} is Envoy's, and leads back`, async () => {
      const ask = (port: number, lines = ''): Promise<string> =>
        converse(port, [`GET / HTTP/1.1\r\nHost: host${all.length + at}\r\nConnection: close\r\n${lines}\r\n`])
      const answer = await ask(both.port('weft'))
      assert.deepEqual(madeCookies(answer), madeCookies(await ask(both.port('envoy'))))
      const [, value] = /^set-cookie: user="?([0-9a-f]{16})/m.exec(answer) ?? []
      if (value === undefined) return
      const again = await ask(both.port('weft'), `Cookie: user=${value}\r\n`)
      assert.equal(again.slice(-4), answer.slice(-4))
      assert.deepEqual(madeCookies(again), [])
    })
  }
})

/** A cookie that was made names the connection, which is another each time. */
function madeCookies(answer: string): string[] {
  return [...answer.matchAll(/^set-cookie: (.*?)\r$/gim)].map(([, cookie]) =>
    (cookie ?? '').replace(/[0-9a-f]{16}/, '*'),
  )
}

function clusterOf(
  { name, cluster, weights, localities = [[5, 0]], keys, statuses }: Balanced,
  backends: readonly RawBackend[],
): JsonObject {
  const endpoints = backends.map(
    ({ port }, at): JsonObject => ({
      endpoint: {
        address: { socketAddress: { address: '127.0.0.1', portValue: port } },
      },
      ...(weights === undefined ? {} : { loadBalancingWeight: weights[at] ?? 1 }),
      ...(keys === undefined ? {} : { metadata: { filterMetadata: { 'envoy.lb': { hash_key: keys[at] ?? '' } } } }),
      ...(statuses === undefined ? {} : { healthStatus: statuses[at] ?? 'UNKNOWN' }),
    }),
  )
  const groups = localities.map(
    ([count, weight, priority = 0], at): JsonObject => ({
      locality: { zone: `z${at}` },
      priority,
      ...(weight === 0 ? {} : { loadBalancingWeight: weight }),
      lbEndpoints: endpoints.splice(0, count),
    }),
  )
  return {
    name,
    type: 'STATIC',
    connectTimeout: '1s',
    loadAssignment: { clusterName: name, endpoints: groups },
    ...cluster,
  }
}
