// Clusters and filters that take what requests and connections name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterConfigSchema } from '@weft/xds/es/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster'
import { DnsCacheConfigSchema } from '@weft/xds/es/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache'
import { CaresDnsResolverConfigSchema } from '@weft/xds/es/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver'
import type { Cluster } from '../model.ts'
import { dynamicEndpoint, dynamicHost } from '../decide/dynamic-host.ts'
import { compileCluster } from './cluster.ts'

function compiled(config: JsonObject, cache: JsonObject = { name: 'hosts' }, servers: JsonObject[] = []) {
  const dnsCacheConfig = fromJson(DnsCacheConfigSchema, cache)
  if (servers.length > 0) {
    const cares = fromJson(CaresDnsResolverConfigSchema, { resolvers: servers })
    dnsCacheConfig.typedDnsResolverConfig = create(DnsCacheConfigSchema, {
      typedDnsResolverConfig: { name: 'cares', typedConfig: anyPack(CaresDnsResolverConfigSchema, cares) },
    }).typedDnsResolverConfig
  }
  const message = fromJson(ClusterConfigSchema, config)
  if (message.clusterImplementationSpecifier.case === undefined)
    message.clusterImplementationSpecifier = { case: 'dnsCacheConfig', value: dnsCacheConfig }
  const cluster = create(ClusterSchema, {
    name: 'c',
    clusterDiscoveryType: {
      case: 'clusterType',
      value: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: anyPack(ClusterConfigSchema, message) },
    },
    lbPolicy: 6,
  })
  return compileCluster(toBinary(ClusterSchema, cluster), {})
}

function accepted(...given: Parameters<typeof compiled>): Cluster {
  const result = compiled(...given)
  assert.ok(result.ok, result.ok ? '' : `${result.error.field}: ${result.error.message}`)
  return result.value
}

test("what is not written of a cache is Envoy's", () => {
  const { discovery } = accepted({})
  assert.deepEqual(discovery.kind === 'dynamic' && discovery.cache, {
    name: 'hosts',
    family: 'v6-preferred',
    refreshMs: 60_000,
    minRefreshMs: 5_000,
    failureRefreshMs: 60_000,
    hostTtlMs: 300_000,
    maxHosts: 1024,
    maxPending: 1024,
    queryTimeoutMs: 5_000,
    servers: [],
  })
})

test('name servers have addresses, and port 53 unless another is written', () => {
  const at = (address: string): JsonObject => ({ socketAddress: { address, protocol: 'UDP' } })
  const { discovery } = accepted({}, undefined, [at('10.0.0.1')])
  assert.deepEqual(discovery.kind === 'dynamic' && discovery.cache.servers, [{ address: '10.0.0.1', port: 53 }])
  const named = compiled({}, undefined, [at('ns.example')])
  assert.match(named.ok ? '' : named.error.message, /is no IP address/)
})

test('what cannot be done is refused by its field', () => {
  const sub = compiled({ subClustersConfig: {} })
  assert.deepEqual(sub.ok ? undefined : sub.error.field, 'cluster_type.typed_config.sub_clusters_config')
  const nameless = compiled({}, {})
  assert.deepEqual(nameless.ok ? undefined : nameless.error.field, 'cluster_type.typed_config.dns_cache_config.name')
})

test('an authority names a host and a port, which is that of HTTP or HTTPS where it is left out', () => {
  const plain = accepted({})
  const secure = { ...plain, tls: {} as NonNullable<Cluster['tls']> }
  for (const [authority, host, port] of [
    ['A.example', 'a.example', 80],
    ['a.example:8080', 'a.example', 8080],
    ['[::1]:81', '::1', 81],
    ['10.0.0.1', '10.0.0.1', 80],
  ] as const) {
    assert.deepEqual(dynamicHost(plain, authority), { host, port }, authority)
  }
  assert.deepEqual(dynamicHost(secure, 'a.example'), { host: 'a.example', port: 443 })
  for (const nothing of ['', ':80', 'a.example:0', 'a.example:65536'])
    assert.equal(dynamicHost(plain, nothing), undefined, nothing)
  assert.equal(dynamicEndpoint({ host: 'a.example', port: 80 }, '::1').key, '[::1]:80')
})
