// What leads connections into tunnels: read through bytes and lean readers, and what of it is refused by which name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { ConfigSchema } from '@weft/xds/es/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { InternalUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream'
import { RawBufferSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer'
import { originalDestination } from '../decide/original-destination.ts'
import { passedMetadata } from '../decide/transport-socket.ts'
import { expectedNames, tunnelTarget } from '../decide/tunnel.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { compileCluster } from './cluster.ts'
import { compileListener } from './listener.ts'

const registry = createRegistry(
  ConfigSchema,
  TcpProxySchema,
  HttpConnectionManagerSchema,
  InternalUpstreamTransportSchema,
  RawBufferSchema,
)
const any = (type: string, value: JsonObject = {}): JsonObject => ({
  name: type,
  typedConfig: { '@type': `type.googleapis.com/envoy.extensions.${type}`, ...value },
})
const tunnelingConfig = {
  hostname: '%DYNAMIC_METADATA(tunnel:destination)%',
  headersToAdd: [{ header: { key: 'baggage', value: '%DYNAMIC_METADATA(tunnel:who)%' } }],
}
const tcp = any('filters.network.tcp_proxy.v3.TcpProxy', { cluster: 'c', tunnelingConfig })
const key = 'envoy.network.upstream_subject_alt_names'
const text = { textFormatSource: { inlineString: '%DYNAMIC_METADATA(tunnel:identity)%' } }
const named: JsonObject = { objectKey: key, formatString: text }
const state = (...onNewConnection: JsonObject[]) =>
  any('filters.network.set_filter_state.v3.Config', { onNewConnection })

function listener(...filters: JsonObject[]) {
  const json = { name: 'l', internalListener: {}, filterChains: [{ filters }] }
  return compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {})
}

function cluster(more: JsonObject) {
  const json = { name: 'c', type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', ...more }
  return compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry })), {})
}

const config = 'filter_chains[0].filters[0].typed_config'
const manager = any('filters.network.http_connection_manager.v3.HttpConnectionManager', { routeConfig: {} })
const refused: Readonly<Record<string, readonly [ReturnType<typeof listener>, field: string, message: RegExp]>> = {
  'filter state of another name': [
    listener(state({ ...named, objectKey: 'envoy.network.upstream_server_name' }), tcp),
    `${config}.on_new_connection[0].object_key`,
    /upstream_server_name is not supported/,
  ],
  'filter state made by another factory': [
    listener(state({ ...named, factoryKey: 'envoy.string' }), tcp),
    config,
    /factory_key is not supported/,
  ],
  'filter state that may be left unset': [
    listener(state({ ...named, skipIfEmpty: true }), tcp),
    config,
    /skip_if_empty is not supported/,
  ],
  'filter state shared with internal connections': [
    listener(state({ ...named, sharedWithUpstream: 'ONCE' }), tcp),
    config,
    /shared_with_upstream is not supported/,
  ],
  'a second value': [listener(state(named, named), tcp), `${config}.on_new_connection[1]`, /second/],
  'no value': [listener(state(), tcp), `${config}.on_new_connection`, /empty/],
  'names out of a file': [
    listener(state({ objectKey: key, formatString: { textFormatSource: { filename: '/names' } } }), tcp),
    `${config}.on_new_connection[0].format_string`,
    /no inline text/,
  ],
  'an operator nobody knows': [
    listener(state({ objectKey: key, formatString: { textFormat: '%WHO%' } }), tcp),
    `${config}.on_new_connection[0].format_string`,
    /%WHO% is not known/,
  ],
  'the filter twice': [listener(state(named), state(named), tcp), 'filter_chains[0].filters[1]', /second filter/],
  'names for HTTP upstreams': [listener(state(named), manager), 'filter_chains[0].filters[1]', /tcp_proxy only/],
}

for (const [name, [outcome, field, message]] of Object.entries(refused)) {
  test(`refused by name: ${name}`, () => {
    assert.ok(!outcome.ok)
    assert.equal(outcome.error.field, field)
    assert.match(outcome.error.message, message)
  })
}

test('metadata keys without a name and passed metadata of a kind that no connection has are refused', () => {
  const nameless = cluster({ originalDstLbConfig: { metadataKey: { path: [{ key: 'address' }] } } })
  assert.ok(!nameless.ok)
  assert.equal(nameless.error.field, 'original_dst_lb_config.metadata_key.key')
  const transportSocket = any('transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
    passthroughMetadata: [{ kind: { route: {} }, name: 'tunnel' }],
    transportSocket: any('transport_sockets.raw_buffer.v3.RawBuffer'),
  })
  const passing = cluster({ transportSocket })
  assert.ok(!passing.ok)
  assert.equal(passing.error.field, 'transport_socket.typed_config.passthrough_metadata[0].kind')
  const override = cluster({ originalDstLbConfig: { useHttpHeader: true, upstreamPortOverride: 5 } })
  assert.ok(override.ok)
  assert.deepEqual(override.value.unlisted, [
    'envoy.config.cluster.v3.Cluster.OriginalDstLbConfig.use_http_header',
    'envoy.config.cluster.v3.Cluster.OriginalDstLbConfig.upstream_port_override',
  ])
})

const connection = (metadata: ConnectionFacts['metadata']): ConnectionFacts => ({
  localAddress: '127.0.0.9',
  localPort: 7,
  remoteAddress: '127.0.0.1',
  remotePort: 9,
  destinationKnown: true,
  sni: undefined,
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
  tls: false,
  peerNames: [],
  ...(metadata === undefined ? {} : { metadata }),
})

test('the metadata of a connection says where its tunnel goes and whose certificate must answer, and nothing stands in for it', () => {
  const compiled = listener(state(named), tcp)
  assert.ok(compiled.ok)
  assert.deepEqual(compiled.value.unlisted, [])
  const proxy = compiled.value.filterChains[0]?.terminal
  assert.ok(proxy?.kind === 'tcp' && proxy.tunneling !== undefined)
  const metadata = { tunnel: { destination: '10.0.0.1:7000', identity: 'a,b', address: '10.0.0.1:15008', who: 'me' } }
  const told = connection(metadata)
  assert.deepEqual(expectedNames(proxy, told), ['a', 'b'])
  assert.deepEqual(tunnelTarget(proxy.tunneling, told), { authority: '10.0.0.1:7000', headers: ['baggage', 'me'] })
  assert.deepEqual(expectedNames(proxy, connection(undefined)), [''])
  assert.equal(tunnelTarget(proxy.tunneling, connection({ tunnel: {} })), undefined)
  for (const bad of ['a\r\nb: c', 'a b', 'a\0'])
    assert.equal(tunnelTarget(proxy.tunneling, connection({ tunnel: { destination: bad } })), undefined)
  const keyed = cluster({ originalDstLbConfig: { metadataKey: { key: 'tunnel', path: [{ key: 'address' }] } } })
  assert.ok(keyed.ok)
  assert.equal(originalDestination(keyed.value, told)?.key, '10.0.0.1:15008')
  for (const address of [undefined, 7, 'stock:15008', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', '[::1:5']) {
    const elsewhere = connection({ tunnel: address === undefined ? {} : { address } })
    assert.equal(originalDestination(keyed.value, elsewhere), undefined, String(address))
  }
  const six = connection({ tunnel: { address: '[::1]:15008' } })
  assert.deepEqual(originalDestination(keyed.value, six)?.target, { kind: 'socket', address: '::1', port: 15008 })
  const plain = cluster({})
  assert.ok(plain.ok)
  assert.equal(originalDestination(plain.value, told)?.key, '127.0.0.9:7')
})

test('a socket passes on what it names, of the endpoint or of the cluster', () => {
  const transportSocket = any('transport_sockets.internal_upstream.v3.InternalUpstreamTransport', {
    passthroughMetadata: [
      { kind: { host: {} }, name: 'tunnel' },
      { kind: { cluster: {} }, name: 'istio' },
      { kind: { host: {} }, name: 'absent' },
    ],
    transportSocket: any('transport_sockets.raw_buffer.v3.RawBuffer'),
  })
  const compiled = cluster({ transportSocket, metadata: { filterMetadata: { istio: { a: 1 }, tunnel: { b: 2 } } } })
  assert.ok(compiled.ok)
  assert.deepEqual(compiled.value.unlisted, [])
  const endpoint = {
    key: 'k',
    target: { kind: 'internal', listener: 'l', endpointId: '' },
    hostname: '',
    health: 'unknown',
    weight: 1,
    metadata: { tunnel: { c: 3 }, istio: { d: 4 } },
  } as const
  assert.deepEqual(passedMetadata(compiled.value, endpoint), { tunnel: { c: 3 }, istio: { a: 1 } })
})
