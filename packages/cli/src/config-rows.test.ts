import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyReport, ResourceReport, StatusReport } from '@weft/control'
import { findProxy } from './commands/config.ts'
import { isHealthy } from './commands/status.ts'
import { clusterRows, endpointRows, listenerRows, routeRows } from './config-rows.ts'
import { printTable, printUntil } from './print-table.ts'

function report(name: string, resource: unknown): ResourceReport {
  return { name, version: 'v', from: [{ origin: 'core/Service/shop/web', position: undefined }], resource, body: '' }
}

const weft = (origin: string): unknown => ({ filter_metadata: { weft: { origin } } })

test('routes are shown in order with match, split, fault and origin', () => {
  const { rows } = routeRows([
    report('outbound-http', {
      virtual_hosts: [
        {
          name: 'catalog:80',
          metadata: weft('core/Service/shop/catalog'),
          routes: [
            { name: 'connect', match: { connect_matcher: {} }, route: { cluster: 'tunnel' } },
            {
              name: 'jason',
              match: {
                prefix: '/',
                headers: [{ name: 'x-user', string_match: { exact: 'jason' }, invert_match: true }],
              },
              route: {
                weighted_clusters: {
                  clusters: [
                    { name: 'a', weight: 90 },
                    { name: 'b', weight: 10 },
                  ],
                },
              },
              typed_per_filter_config: { 'envoy.filters.http.fault': { delay: { fixed_delay: '2s' } } },
              metadata: weft('vs#spec.http[0]'),
            },
            { name: 'answer', match: { path: '/x' }, direct_response: { status: 418 } },
          ],
        },
      ],
    }),
  ])
  assert.deepEqual(rows, [
    ['outbound-http', 'catalog:80', 'connect', 'CONNECT', 'tunnel', 'core/Service/shop/catalog'],
    ['outbound-http', 'catalog:80', 'jason', 'path=/* !x-user=jason', 'delay 2s, 90 a + 10 b', 'vs#spec.http[0]'],
    ['outbound-http', 'catalog:80', 'answer', 'path=/x', 'answer 418', 'core/Service/shop/catalog'],
  ])
})

test('a listener has one row per chain', () => {
  const hcm = { typed_config: { rds: { route_config_name: 'outbound-http' } } }
  const { rows } = listenerRows([
    report('tunnel', {
      internal_listener: {},
      metadata: weft('w'),
      filter_chains: [{ name: 'http', filters: [hcm] }],
      default_filter_chain: { name: 'blackhole', filters: [{ typed_config: { cluster: 'BlackHoleCluster' } }] },
    }),
  ])
  assert.deepEqual(rows, [
    ['tunnel', 'internal', 'http', 'routes outbound-http', 'w'],
    ['tunnel', 'internal', 'blackhole', 'cluster BlackHoleCluster', 'w'],
  ])
})

test('a cluster without endpoints says so', () => {
  assert.deepEqual(endpointRows([report('c', {})]).rows, [['c', 'none', '', '', 'core/Service/shop/web']])
})

test('a cluster shows whose identity it accepts', () => {
  const san = { matcher: { exact: 'spiffe://cluster.local/ns/shop/sa/web' } }
  const validation = { default_validation_context: { match_typed_subject_alt_names: [san] } }
  const socket = { typed_config: { common_tls_context: { combined_validation_context: validation } } }
  const { rows } = clusterRows([report('c', { type: 'EDS', transport_socket_matches: [{ transport_socket: socket }] })])
  assert.equal(rows[0]?.[3], 'auto spiffe://cluster.local/ns/shop/sa/web')
  const tunnel = { typed_config: { passthrough_metadata: [] } }
  const matches = [{ transport_socket: tunnel }, { transport_socket: socket }]
  assert.deepEqual(clusterRows([report('c', { type: 'EDS', transport_socket_matches: matches })]).rows, rows)
})

test('an endpoint behind a tunnel shows where the tunnel leads', () => {
  const address = {
    envoy_internal_address: { server_listener_name: 'connect_originate', endpoint_id: '127.66.0.1:7000' },
  }
  const metadata = { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio', tunnel: 'h2' } } }
  const endpoint = { endpoint: { address }, metadata }
  const { rows } = endpointRows([report('c', { endpoints: [{ lb_endpoints: [endpoint] }] })])
  assert.deepEqual(rows[0]?.slice(0, 3), ['c', 'internal:connect_originate/127.66.0.1:7000', 'mtls'])
})

test('a table is aligned on a terminal and tab-separated in a pipe', () => {
  const lines = (isTTY: boolean): string => {
    let text = ''
    printTable(['A', 'B'], [['long cell', 'x']], { isTTY, write: (more) => (text += more) })
    return text
  }
  assert.equal(lines(true), 'A          B\nlong cell  x\n')
  assert.equal(lines(false), 'A\tB\nlong cell\tx\n')
})

test('times are told in the unit that fits', () => {
  assert.equal(printUntil(60_000, 0), '60s')
  assert.equal(printUntil(3_600_000, 0), '60m')
  assert.equal(printUntil(86_400_000, 0), '24h')
  assert.equal(printUntil(0, 60_000), 'expired')
  assert.equal(printUntil(undefined, 0), '-')
})

function proxy(id: string, state: 'accepted' | 'warming' | 'refused', connected = true): ProxyReport {
  const [instance = '', namespace = ''] = id.split('.')
  return {
    id,
    instance,
    namespace,
    workload: instance.replace(/-\d+$/, ''),
    kind: 'sidecar',
    flavor: 'weft',
    address: '127.66.0.1',
    ready: true,
    draining: false,
    connected,
    userAgent: undefined,
    identity: { expected: '', spiffeId: undefined, serial: undefined, notAfterMs: undefined },
    isolation: 'none',
    types: [{ type: 'LDS', typeUrl: '', version: 'v', acceptedVersion: 'v', state, resources: 1, refused: [] }],
  }
}

test('a name means a workload, an instance or a proxy, but not two namespaces at once', () => {
  const proxies = [
    proxy('web-0.shop', 'accepted'),
    proxy('web-1.shop', 'accepted'),
    proxy('db-0.a', 'accepted'),
    proxy('db-0.b', 'accepted'),
  ]
  for (const name of ['web', 'web-0', 'web-0.shop', 'web.shop']) {
    const found = findProxy(proxies, name)
    assert.ok(found.ok && found.value.id === 'web-0.shop', name)
  }
  assert.ok(!findProxy(proxies, 'db').ok)
  assert.ok(findProxy(proxies, 'db.a').ok)
  const missing = findProxy(proxies, 'ghost')
  assert.ok(!missing.ok && /there are web-0/.test(missing.error))
})

test('the mesh is healthy when every proxy accepted everything and the files have no errors', () => {
  const status = (proxies: ProxyReport[], severity?: 'error' | 'warning'): StatusReport => ({
    version: 'v',
    sinceMs: 0,
    trustDomain: 'cluster.local',
    ready: true,
    proxies,
    store: {
      revision: 1,
      objects: 1,
      problems:
        severity === undefined
          ? []
          : [{ severity, code: 'c', message: 'm', object: undefined, field: '', position: undefined, mend: '' }],
      stale: [],
      blocking: [],
      unenforceable: [],
    },
    losers: [],
    notes: [],
  })
  assert.equal(isHealthy(status([proxy('a-0.s', 'accepted')])), true)
  assert.equal(isHealthy(status([proxy('a-0.s', 'accepted')], 'warning')), true)
  assert.equal(isHealthy(status([proxy('a-0.s', 'accepted')], 'error')), false)
  assert.equal(isHealthy(status([proxy('a-0.s', 'refused')])), false)
  assert.equal(isHealthy(status([proxy('a-0.s', 'accepted', false)])), false)
  const unbound = [{ listener: 'in', address: '127.0.0.1:80', error: 'EADDRINUSE' }]
  const conditions = new Map([['a-0.s', { persistence: {}, warming: [], unbound, unlisted: [] }]])
  assert.equal(isHealthy(status([proxy('a-0.s', 'accepted')]), conditions), false)
})
