// Listener filters, UDP, tunnels and TLS contexts through bytes and lean readers: what is refused by which name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { ProxyProtocolSchema } from '@weft/xds/es/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { UdpProxyConfigSchema } from '@weft/xds/es/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy'
import { ProxyProtocolUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol'
import { RawBufferSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { compileCluster } from './cluster.ts'
import { compileListener } from './listener.ts'

const registry = createRegistry(
  ProxyProtocolSchema,
  TlsInspectorSchema,
  TcpProxySchema,
  UdpProxyConfigSchema,
  ProxyProtocolUpstreamTransportSchema,
  RawBufferSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
)
const any = (type: string, value: JsonObject = {}): JsonObject => ({
  name: type,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...value },
})
const tcp = (more: JsonObject = {}) => any('filters.network.tcp_proxy.v3.TcpProxy', { cluster: 'c', ...more })
const udp = (more: JsonObject = {}) => any('filters.udp.udp_proxy.v3.UdpProxyConfig', { cluster: 'c', ...more })
const proxyProtocol = (more: JsonObject = {}) => any('filters.listener.proxy_protocol.v3.ProxyProtocol', more)
const tlsInspector = any('filters.listener.tls_inspector.v3.TlsInspector')
const pem = '-----BEGIN X-----'
const certificate = { certificateChain: { inlineString: pem }, privateKey: { inlineString: pem } }
const downstream = (common: JsonObject, more: JsonObject = {}) =>
  any('transport_sockets.tls.v3.DownstreamTlsContext', { commonTlsContext: common, ...more })

const at = (protocol: 'TCP' | 'UDP') => ({ socketAddress: { protocol, address: '127.0.0.1', portValue: 1 } })

function listener(json: JsonObject) {
  const whole = { name: 'l', address: at('TCP'), filterChains: [{ filters: [tcp()] }], ...json }
  return compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, whole, { registry })), {})
}

function secured(common: JsonObject, more: JsonObject = {}) {
  return listener({ filterChains: [{ filters: [tcp()], transportSocket: downstream(common, more) }] })
}

const udpListener = (filters: JsonObject[], more: JsonObject = {}) =>
  listener({ address: at('UDP'), filterChains: [], listenerFilters: filters, ...more })

const own = { tlsCertificates: [certificate] }
const context = 'filter_chains[0].transport_socket.typed_config'
const refused: Readonly<Record<string, readonly [ReturnType<typeof listener>, field: string, message: RegExp]>> = {
  'a PROXY header behind what the inspectors read': [
    listener({ listenerFilters: [tlsInspector, proxyProtocol()] }),
    'listener_filters[1]',
    /must come before/,
  ],
  'a PROXY header of no version': [
    listener({ listenerFilters: [proxyProtocol({ disallowedVersions: ['V1', 'V2'] })] }),
    'listener_filters[0].typed_config.disallowed_versions',
    /no connection/,
  ],
  'a UDP listener without a filter': [udpListener([]), 'listener_filters', /needs/],
  'a UDP listener with a TCP filter': [
    udpListener([tlsInspector]),
    'listener_filters[0].typed_config',
    /not known for UDP/,
  ],
  'a UDP listener with chains': [
    udpListener([udp()], { filterChains: [{ filters: [tcp()] }] }),
    'filter_chains',
    /no filter chains/,
  ],
  'addresses of two protocols': [
    listener({ additionalAddresses: [{ address: at('UDP') }] }),
    'additional_addresses[0]',
    /another protocol/,
  ],
  'a path for CONNECT': [
    listener({ filterChains: [{ filters: [tcp({ tunnelingConfig: { hostname: 'a:1', postPath: '/x' } })] }] }),
    'filter_chains[0].filters[0].typed_config.tunneling_config.post_path',
    /use_post/,
  ],
  'a suite nobody should use': [
    secured({ ...own, tlsParams: { cipherSuites: ['DES-CBC3-SHA'] } }),
    `${context}.common_tls_context.tls_params.cipher_suites`,
    /"DES-CBC3-SHA"/,
  ],
  'a list that would change what OpenSSL reads': [
    secured({ ...own, tlsParams: { cipherSuites: ['ALL:eNULL'] } }),
    `${context}.common_tls_context.tls_params.cipher_suites`,
    /"ALL:eNULL"/,
  ],
  'an unknown curve': [
    secured({ ...own, tlsParams: { ecdhCurves: ['P-224'] } }),
    `${context}.common_tls_context.tls_params.ecdh_curves`,
    /"P-224"/,
  ],
  'a key that is not PEM': [
    secured({ tlsCertificates: [{ ...certificate, privateKey: { inlineString: 'secret' } }] }),
    `${context}.common_tls_context.tls_certificates[0].private_key`,
    /is not PEM$/,
  ],
  'a file by a relative path': [
    secured({ ...own, validationContext: { trustedCa: { filename: 'roots.pem' } } }),
    `${context}.common_tls_context.validation_context.trusted_ca.filename`,
    /absolute/,
  ],
  'certificates from two sources': [
    secured({ ...own, tlsCertificateSdsSecretConfigs: [{ name: 'default' }] }),
    `${context}.common_tls_context.tls_certificates`,
    /mixed/,
  ],
  'ticket keys': [
    secured(own, { sessionTicketKeys: { keys: [{ inlineString: 'x' }] } }),
    context,
    /session_ticket_keys is not supported/,
  ],
  'a key log': [secured({ ...own, keyLog: { path: '/tmp/keys' } }), context, /key_log is not supported/],
  stapling: [secured(own, { ocspStaplePolicy: 'MUST_STAPLE' }), context, /ocsp_staple_policy is not supported/],
}

for (const [name, [outcome, field, message]] of Object.entries(refused)) {
  test(`refused by name: ${name}`, () => {
    assert.equal(outcome.ok, false)
    if (outcome.ok) return
    assert.equal(outcome.error.field, field)
    assert.match(outcome.error.message, message)
    assert.doesNotMatch(outcome.error.message, /secret/, 'keys never get into messages')
  })
}

test('names of requests are sent and verified towards upstreams as the cluster says', () => {
  const compiled = (options: JsonObject) => {
    const json = { name: 'c', type: 'STATIC', upstreamHttpProtocolOptions: options }
    return compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry })), {})
  }
  const verified = compiled({ autoSni: true, autoSanValidation: true, overrideAutoSniHeader: 'X-Name' })
  assert.ok(verified.ok)
  assert.deepEqual(verified.value.http.autoNames, { sni: true, san: true, header: 'x-name' })
  const none = compiled({})
  assert.ok(none.ok)
  assert.equal(none.value.http.autoNames, undefined)
  assert.deepEqual([verified.value.unlisted, none.value.unlisted], [[], []])
})

test('defaults of a UDP proxy and a PROXY filter are those of Envoy', () => {
  const proxy = udpListener([udp()])
  assert.ok(proxy.ok)
  assert.deepEqual(proxy.value.udp, {
    statPrefix: '',
    cluster: 'c',
    idleTimeoutMs: 60_000,
    maxDatagramBytes: { downstream: 1500, upstream: 1500 },
    perPacket: false,
    sessionLogs: [],
  })
  assert.deepEqual(proxy.value.clusterNames, ['c'])
  const hashing = udpListener([udp({ hashPolicies: [{ sourceIp: true }] })])
  assert.ok(hashing.ok)
  assert.deepEqual(hashing.value.unlisted, ['envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.hash_policies'])
  const told = listener({ listenerFilters: [proxyProtocol({ disallowedVersions: ['V1'] }), tlsInspector] })
  assert.ok(told.ok)
  assert.deepEqual(told.value.sniff.proxyProtocol, { optional: false, versions: [2] })
})

test('a resource with a private key says so, one with names of keys or files does not', () => {
  const file = { certificateChain: { filename: '/a.pem' }, privateKey: { filename: '/a.key' } }
  const sds = { tlsCertificateSdsSecretConfigs: [{ name: 'default' }, { name: 'second' }] }
  const cases: readonly (readonly [JsonObject, true | undefined])[] = [
    [own, true],
    [{ tlsCertificates: [file] }, undefined],
    [sds, undefined],
  ]
  for (const [common, holds] of cases) {
    const outcome = secured(common)
    assert.ok(outcome.ok)
    assert.equal(outcome.value.holdsKeys, holds)
    if (common === sds) assert.deepEqual(outcome.value.secretNames, ['default', 'second'])
  }
  const transportSocket = any('transport_sockets.tls.v3.UpstreamTlsContext', { commonTlsContext: own })
  const socket = any('transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport', {
    config: { version: 'V2' },
    transportSocket,
  })
  const json = { name: 'c', type: 'STATIC', transportSocket: socket }
  const cluster = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry })), {})
  assert.ok(cluster.ok)
  assert.deepEqual([cluster.value.holdsKeys, cluster.value.proxyProtocol, cluster.value.tls?.sni], [true, 2, undefined])
})
