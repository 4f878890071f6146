// Copies of requests: what a mirror sees behind our proxy must be what it sees behind real Envoy.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { httpListener, startProxy, staticCluster } from '../wire/proxy-under-test.ts'
import { answering, converse, type RawBackend } from '../wire/raw-http.ts'
import { until } from '../wire/test-runtime.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { startStaticEnvoy } from './protocol/static-envoy.ts'

const to = (policy: JsonObject = {}): JsonObject => ({ requestMirrorPolicies: [{ cluster: 'mirror', ...policy }] })
const forward = (path: string, action: JsonObject, more: JsonObject = {}): JsonObject => ({
  match: { prefix: path },
  route: { cluster: 'main', ...action },
  ...more,
})
const added = { requestHeadersToAdd: [{ header: { key: 'x-rule', value: 'a' } }] }
const routes: JsonObject = {
  name: 'routes',
  virtualHosts: [
    {
      name: 'any',
      domains: ['*'],
      includeRequestAttemptCount: true,
      ...to({ disableShadowHostSuffixAppend: true }),
      routes: [
        forward('/plain', to()),
        forward(
          '/rewritten',
          { prefixRewrite: '/new', hostRewriteLiteral: 'x.example', timeout: '0s', ...to() },
          added,
        ),
        forward('/by-header', to({ cluster: '', clusterHeader: 'x-mirror' })),
        forward('/', {}),
      ],
    },
  ],
}

const head = (line: string, more = ''): string =>
  `${line} HTTP/1.1\r\nHost: shop:80\r\nConnection: close\r\n${more}\r\n`
const requests: readonly (readonly [name: string, request: string, end: string])[] = [
  ['a plain request', head('GET /plain?a=1', 'x-user: jason\r\nx-user: again\r\n'), '\r\n\r\n'],
  ['a request that is rewritten', head('GET /rewritten/a'), '\r\n\r\n'],
  ['a cluster named by a header', head('GET /by-header', 'x-mirror: mirror\r\n'), '\r\n\r\n'],
  ["the virtual host's mirror", head('GET /other'), '\r\n\r\n'],
  ['hops before', head('GET /plain', 'X-Forwarded-For: 192.0.2.7\r\nx-envoy-internal: false\r\n'), '\r\n\r\n'],
  ['a body with a length', `${head('POST /plain', 'Content-Length: 5\r\n')}hello`, 'hello'],
  [
    'chunks and trailers',
    `${head('POST /plain', 'Transfer-Encoding: chunked\r\n')}3\r\nabc\r\n0\r\n\r\n`,
    '3\r\nabc\r\n0\r\n\r\n',
  ],
]

/** In order of their names; what is new each time, and the proxy's own address, are left out. */
function comparable({ received }: RawBackend): string {
  const [top = '', ...bodies] = received.join('').split('\r\n\r\n')
  const [line, ...headers] = top.split('\r\n')
  const steady = headers.map((header) =>
    header.replace(/^(x-request-id: ).*/, '$1*').replace(/^(x-forwarded-for: (?:.*,)?)[^,]*$/, '$1own'),
  )
  return [line, ...steady.sort(), '', ...bodies].join('\n')
}

/** As our own proxy is started and ended. */
async function startEnvoy(
  resources: Parameters<typeof startStaticEnvoy>[0],
): Promise<{ portOf(name: string): number; close(): Promise<void> }> {
  const envoy = await startStaticEnvoy(resources)
  return { portOf: envoy.portOf, close: () => Promise.resolve(envoy.close()) }
}

describe('mirrors', { skip, timeout: 240_000 }, () => {
  for (const [name, request, end] of requests) {
    test(`${name}: the copy that Envoy sends`, async () => {
      const seen: string[] = []
      for (const start of [startEnvoy, startProxy]) {
        const main = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        const mirror = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        const clusters = [staticCluster('main', [main.port]), staticCluster('mirror', [mirror.port])]
        const proxy = await start({ listeners: [httpListener('in', routes)], clusters })
        try {
          assert.match(await converse(proxy.portOf('in'), [request]), / 200 OK\r\n[^]*ok$/)
          await until(() => mirror.received.join('').endsWith(end), `${start.name}: the copy arrives`)
          seen.push(comparable(mirror))
        } finally {
          await proxy.close()
          await main.close()
          await mirror.close()
        }
      }
      assert.equal(seen[1], seen[0])
    })
  }
})
