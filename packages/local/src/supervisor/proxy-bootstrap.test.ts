import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WorkloadInstance } from '@weft/resources'
import { parseBootstrap } from '../../../proxy/src/bootstrap.ts'
import { type ProxySettings, proxyBootstrap } from './proxy-bootstrap.ts'

const instance: WorkloadInstance = {
  name: 'web-0',
  workload: 'web',
  namespace: 'shop',
  labels: { app: 'web' },
  serviceAccount: 'web',
  proxy: 'sidecar',
  address: '127.66.0.9',
  appAddress: '127.67.0.9',
  ports: [{ name: 'http', port: 8080 }],
  outboundTcp: {},
  ready: false,
  draining: false,
}

const settings: ProxySettings = {
  kind: 'weft',
  trustDomain: 'cluster.local',
  xds: { host: '127.0.0.1', port: 15012 },
  stateDir: '/tmp/state',
  drainMs: 5_000,
  accessLog: false,
}

test("Weft's proxy accepts its bootstrap and learns who it is and whom to ask", () => {
  const parsed = parseBootstrap(proxyBootstrap(instance, '/run/s1.sock', settings))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error)
  assert.equal(parsed.value.node.id, 'sidecar~127.66.0.9~web-0.shop~shop.svc.cluster.local')
  assert.equal(parsed.value.ads.serverSpiffeId, 'spiffe://cluster.local/ns/weft-system/sa/weft-control')
  assert.deepEqual(parsed.value.node.metadata, {
    NAME: 'web-0',
    NAMESPACE: 'shop',
    WORKLOAD_NAME: 'web',
    SERVICE_ACCOUNT: 'web',
    WEFT: { instance: 'web-0', namespace: 'shop', flavor: 'weft' },
  })
})

test('both kinds of proxies are told of the name servers to ask', () => {
  const dnsServers = [{ address: '::1', port: 5353 }]
  const parsed = parseBootstrap(proxyBootstrap(instance, '/run/s1.sock', { ...settings, dnsServers }))
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error)
  assert.deepEqual(parsed.value.dnsServers, dnsServers)
  const text = proxyBootstrap(instance, '/run/s1.sock', { ...settings, kind: 'envoy', dnsServers })
  const { typed_dns_resolver_config: resolver } = JSON.parse(text) as {
    typed_dns_resolver_config: { typed_config: { resolvers: unknown } }
  }
  assert.deepEqual(resolver.typed_config.resolvers, [{ socket_address: { address: '::1', port_value: 5353 } }])
  const named = JSON.stringify({ ...parsed.value, dnsServers: [{ address: 'ns.example', port: 53 }] })
  assert.deepEqual(parseBootstrap(named), {
    ok: false,
    error: 'bootstrap: dnsServers must be a list of addresses and ports',
  })
})

const noEnvoy = spawnSync('envoy', ['--version']).status === 0 ? false : 'no envoy on PATH'

test('Envoy accepts its bootstrap', { skip: noEnvoy }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-envoy-'))
  const file = join(dir, 'bootstrap.json')
  writeFileSync(
    file,
    proxyBootstrap({ ...instance, proxy: 'gateway' }, '/run/s1.sock', {
      ...settings,
      kind: 'envoy',
      dnsServers: [{ address: '127.0.0.1', port: 53 }],
    }),
  )
  const result = spawnSync('envoy', ['--mode', 'validate', '-c', file], { encoding: 'utf8', timeout: 30_000 })
  rmSync(dir, { recursive: true })
  assert.equal(result.status, 0, result.stderr)
  assert.match(result.stdout, /OK/)
})
