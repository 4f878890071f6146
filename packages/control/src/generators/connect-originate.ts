// The sending end of TCP between proxies: a CONNECT stream over HTTP/2 and mutual TLS to port 15008 of the far end's proxy (HBONE). An
// endpoint that takes such streams is an internal address; its metadata says where the stream goes and whose certificate must answer,
// so every connection to it finds its own way through this one listener and cluster, and streams to one proxy share connections.
import { TrafficDirection } from '@weft/xds/es/envoy/config/core/v3/base'
import type { TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import { Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { FilterSchema } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { ConfigSchema as SetFilterStateSchema } from '@weft/xds/es/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { InternalUpstreamTransportSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream'
import { duration } from './config-source.ts'
import { encodeResource, pack } from './encode.ts'
import { type BuiltResource, generator, makeView } from './generator.ts'
import { tcpAccessLog } from './http-connection-manager.ts'
import { inboundScope, type InboundScope } from './inbound-listeners.ts'
import type { Init } from './init.ts'
import { weftMetadata } from './metadata.ts'
import { plaintext, tunnelMtls } from './tls-contexts.ts'
import { circuitBreakers, tunnelHttp } from './traffic-policy.ts'
import { canonicalService } from './workload-metadata.ts'

/** Name of the listener and the cluster, Istio's. */
export const connectOriginateName = 'connect_originate'
/** Endpoint metadata: `destination`, `address` and `identity` of a tunnel. */
export const tunnelMetadata = 'tunnel'
/** What `envoy.transport_socket_match` holds for an endpoint behind a tunnel. */
export const tunnelMatch = { tunnel: 'h2' } as const

/** `connect_originate`, twice */
export const connectOriginate = generator({
  name: 'connect-originate',
  scope: (mesh, proxy) => ({
    ...inboundScope(mesh, proxy),
    sourceAddress: proxy.instance.address,
    baggage: baggage(proxy.instance),
  }),
  views: (_mesh, scope) => [makeView(scope, {})],
  build: ({ scope }) => ({ resources: [listener(scope), cluster(scope)], problems: [], losers: [] }),
})

interface OriginateScope extends InboundScope {
  readonly sourceAddress: string
  readonly baggage: string
}

/** The socket of a cluster for its endpoints behind tunnels: hands the endpoint's metadata to the internal listener, and goes on as `inside`. */
export function internalUpstream(inside: Init<typeof TransportSocketSchema> = plaintext()): {
  name: string
  match: { tunnel: string }
  transportSocket: Init<typeof TransportSocketSchema>
} {
  const passthroughMetadata = [{ kind: { kind: { case: 'host' as const, value: {} } }, name: tunnelMetadata }]
  const config = pack(InternalUpstreamTransportSchema, { passthroughMetadata, transportSocket: inside })
  return {
    name: tunnelMetadata,
    match: { ...tunnelMatch },
    transportSocket: {
      name: 'envoy.transport_sockets.internal_upstream',
      configType: { case: 'typedConfig', value: config },
    },
  }
}

function listener({ workload, accessLog, baggage: header }: OriginateScope): BuiltResource {
  const metadata = weftMetadata({ origin: workload })
  const tunnel = pack(TcpProxySchema, {
    statPrefix: connectOriginateName,
    clusterSpecifier: { case: 'cluster', value: connectOriginateName },
    tunnelingConfig: {
      hostname: field('destination'),
      headersToAdd: [{ header: { key: 'baggage', value: header } }],
    },
    accessLog: tcpAccessLog(accessLog),
  })
  return encodeResource(
    ListenerSchema,
    connectOriginateName,
    {
      name: connectOriginateName,
      listenerSpecifier: { case: 'internalListener', value: {} },
      trafficDirection: TrafficDirection.OUTBOUND,
      metadata,
      filterChains: [
        {
          name: 'tunnel',
          metadata,
          filters: [
            expectIdentity(),
            { name: 'envoy.filters.network.tcp_proxy', configType: { case: 'typedConfig', value: tunnel } },
          ],
        },
      ],
    },
    [workload],
  )
}

/** The certificate must carry the id the endpoint names. Without a name it is `-`, which nobody has. */
function expectIdentity(): Init<typeof FilterSchema> {
  const config = pack(SetFilterStateSchema, {
    onNewConnection: [
      {
        key: { case: 'objectKey', value: 'envoy.network.upstream_subject_alt_names' },
        value: {
          case: 'formatString',
          value: {
            format: {
              case: 'textFormatSource',
              value: { specifier: { case: 'inlineString', value: field('identity') } },
            },
          },
        },
      },
    ],
  })
  return { name: 'envoy.filters.network.set_filter_state', configType: { case: 'typedConfig', value: config } }
}

function field(name: 'destination' | 'identity'): string {
  return `%DYNAMIC_METADATA(${tunnelMetadata}:${name})%`
}

function cluster({ sourceAddress, trustDomain, workload }: OriginateScope): BuiltResource {
  return encodeResource(
    ClusterSchema,
    connectOriginateName,
    {
      name: connectOriginateName,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      connectTimeout: duration(10_000),
      circuitBreakers: circuitBreakers(),
      lbConfig: {
        case: 'originalDstLbConfig',
        value: { metadataKey: { key: tunnelMetadata, path: [{ segment: { case: 'key', value: 'address' } }] } },
      },
      ...tunnelHttp(),
      transportSocket: tunnelMtls(trustDomain),
      upstreamBindConfig: { sourceAddress: { address: sourceAddress, portSpecifier: { case: 'portValue', value: 0 } } },
      metadata: weftMetadata({ origin: workload }),
    },
    [workload],
  )
}

/** Who calls, for the far end's logs: the members that Istio's ztunnel sends. */
function baggage(instance: Parameters<typeof canonicalService>[0]): string {
  const { name, revision } = canonicalService(instance)
  return [
    `k8s.namespace.name=${instance.namespace}`,
    `k8s.deployment.name=${instance.workload}`,
    `service.name=${name}`,
    `service.version=${revision}`,
  ].join(',')
}
