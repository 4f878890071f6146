// The counters of routes with a `stat_prefix`, and of virtual clusters: the same requests to our proxy and to real Envoy are counted the same.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { httpListener, staticCluster } from '../wire/proxy-under-test.ts'
import { converse, type RawBackend, rawBackend } from '../wire/raw-http.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { arms, bothProxies } from './protocol/both-proxies.ts'

const soon = { baseInterval: '0.001s', maxInterval: '0.001s' }
const repeats = { retryPolicy: { retryOn: '5xx,connect-failure', numRetries: 2, retryBackOff: soon } }
const route = (statPrefix: string, action: JsonObject, more: JsonObject = {}): JsonObject => ({
  match: { prefix: `/${statPrefix}` },
  statPrefix,
  route: { cluster: 'b', ...action },
  ...more,
})
const virtualHosts = [
  {
    name: 'a host|with:signs',
    domains: ['*'],
    virtualClusters: [
      { name: 'posts', headers: [{ name: ':method', stringMatch: { exact: 'POST' } }] },
      { name: 'repeated', headers: [{ name: ':path', stringMatch: { prefix: '/repeated/' } }] },
      { name: 'first', headers: [{ name: ':path', stringMatch: { prefix: '/plain/' } }] },
      { name: 'second', headers: [{ name: ':path', stringMatch: { prefix: '/plain/' } }] },
    ],
    routes: [
      route('plain', {}),
      route('repeated', repeats),
      route('late', { timeout: '0.1s' }),
      route('try', { retryPolicy: { ...repeats.retryPolicy, perTryTimeout: '0.1s', numRetries: 1 } }),
      route('dead', { cluster: 'dead', ...repeats }),
      route('empty', { cluster: 'empty', ...repeats }),
      route('full', { cluster: 'full', ...repeats }),
      route('moved', { internalRedirectPolicy: {} }),
      { match: { prefix: '/direct' }, statPrefix: 'direct', directResponse: { status: 200 } },
      { match: { prefix: '/away' }, statPrefix: 'away', redirect: { pathRedirect: '/x' } },
      { match: { prefix: '/nameless' }, route: { cluster: 'b' } },
    ],
  },
]
const requests = [
  ...['/plain/200', '/plain/404', '/plain/503', '/plain/reset'],
  ...['/repeated/200', '/repeated/503', '/repeated/503-503', '/repeated/503-503-503', '/repeated/reset'],
  ...['/late/never', '/try/never', '/dead', '/empty', '/full/503', '/moved/302', '/direct', '/away', '/nameless/200'],
]

/** Does what the path says, at the first try, the second and so on; then 200. */
function obeying(): Promise<RawBackend> {
  const tries = new Map<string, number>()
  return rawBackend((socket, text) => {
    if (!text.endsWith('\r\n\r\n')) return
    const tag = /user-agent: (.*)\r\n/i.exec(text)?.[1] ?? ''
    const nth = tries.get(tag) ?? 0
    tries.set(tag, nth + 1)
    const wish = /^GET \/\w+\/(\S*)/.exec(text)?.[1]?.split('-')[nth] ?? '200'
    if (wish === 'never') return
    if (wish === 'reset') return void socket.resetAndDestroy()
    const location = wish === '302' ? 'location: http://s/plain/200\r\n' : ''
    socket.end(`HTTP/1.1 ${wish} x\r\n${location}content-length: 0\r\nconnection: close\r\n\r\n`)
  })
}

describe('counters of routes', { skip, timeout: 60_000 }, () => {
  let backend: RawBackend | undefined
  const both = bothProxies(() => (backend === undefined ? [] : [backend]))

  before(async () => {
    backend = await obeying()
    const full = { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } }
    const resources = {
      listeners: [httpListener('in', { name: 'r', virtualHosts })],
      clusters: [
        staticCluster('b', [backend.port]),
        staticCluster('dead', [1]),
        staticCluster('empty', []),
        staticCluster('full', [backend.port], full),
      ],
    }
    await both.start(resources)
  })

  test('what becomes of requests is counted by the route and by the virtual cluster that ask for it, as by Envoy', async () => {
    for (const arm of arms) {
      const port = both.port(arm)
      for (const path of requests) {
        const lines = ['Host: s', `User-Agent: ${arm}${path}`, 'Connection: close']
        await converse(port, [`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`])
      }
    }
    let theirs: readonly string[] = []
    const told = async (): Promise<boolean> => {
      theirs = counted(await both.envoy.admin('/stats/prometheus'))
      return theirs.some((line) => line.includes('_time_count'))
    }
    // Durations are gathered every few seconds.
    for (const deadline = performance.now() + 20_000; !(await told()) && performance.now() < deadline; )
      await new Promise((resolve) => setTimeout(resolve, 100))
    for (const group of ['route', 'vcluster'])
      assert.ok(theirs.filter((line) => line.includes(`_${group}_`)).length > 20, `Envoy has counted by ${group}`)
    assert.deepEqual(counted(both.weft.metrics.render()), theirs)
  })
})

/** Lines of counters that are not 0, with their labels in order; of durations only how many there are. */
function counted(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => /^envoy_vhost_(?:route|vcluster)_upstream_rq/.test(line) && !/_time_(?:bucket|sum)/.test(line))
    .map((line) => {
      const [, name, labels = '', value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? []
      return `${name} ${labels.split(',').sort().join(' ')} ${value}`
    })
    .filter((line) => !line.endsWith(' 0'))
    .sort()
}
